"""Measures the cells of one artifact by one engine; a server is started once for all benchmarks."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.served.engines import Engine
from benchmarks.served.evidence import Cell
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Measurement
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.engine.serving import ServedEngine
from pytest_unicomp.run.run import Run


@dataclass(frozen=True)
class Asked:
    """What all cells have in common."""

    model: str
    benchmarks: Sequence[str]
    items: int
    bundle: Path | None

    def settings(self, artifact: str, engine: Engine) -> dict[str, str]:
        """Return the flags of a run; calibration is small, since engines are compared and not recipes."""
        return {
            "model": self.model,
            "recipe": artifact,
            "benchmark": ",".join(self.benchmarks),
            "limit": str(self.items),
            "calibration_samples": "8",
            "calibration_tokens": "256",
            "dtype": "float32",
            **({} if self.bundle is None else {"bundle": str(self.bundle)}),
            **({} if engine.serve is None else {"serve": engine.serve}),
        }


def cells(asked: Asked, artifact: str, engine: Engine, wanted: Sequence[str]) -> Iterator[Cell]:
    """Yield a cell for each benchmark in `wanted`; a failure is a result too."""
    run = Run(resolve(asked.settings(artifact, engine), {}))
    try:
        for benchmark in wanted:
            yield _cell(run, asked, artifact, engine, benchmark)
    finally:
        run.close()


def _cell(run: Run, asked: Asked, artifact: str, engine: Engine, benchmark: str) -> Cell:
    load, started = os.getloadavg()[0], time.perf_counter()
    made = Cell(artifact=artifact, benchmark=benchmark, engine=engine.name, dtype=engine.dtype, items=asked.items, seconds=0, load=load)
    try:
        run.artifact(artifact)
        started = time.perf_counter()
        server = run.results.loaded.server((run.results.subject(artifact), run.results.evaluated_by(artifact))) if engine.serve else None
        start_seconds = time.perf_counter() - started
        with _most_in_flight(server) as most:
            found = run.measurement(artifact, benchmark)
    except UnicompError as error:
        refused = error.detail.partition("; all that it printed")[0]
        return made.model_copy(update={"seconds": time.perf_counter() - started, "refused": refused, **_now()})
    served = {} if server is None else {"start_seconds": start_seconds, "in_flight": most()}
    return made.model_copy(update={**_scores(found), **served, **_now()})


def _scores(found: Measurement) -> dict[str, object]:
    answers = {item.id: (item.score, hashlib.sha256(item.answer.encode()).hexdigest()[:12]) for item in found.items}
    return {"value": found.value, "stderr": found.stderr, "seconds": found.seconds, "answers": answers, "machine": found.machine}


def _now() -> dict[str, str]:
    return {"created": datetime.now(UTC).isoformat(timespec="seconds")}


@contextmanager
def _most_in_flight(server: ServedEngine | None) -> Iterator[Callable[[], int]]:
    """Count the requests that the client awaits; what is yielded returns the most that it awaited at once."""
    waiting = most = 0

    async def counted(*words: Any, **settings: Any) -> Any:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        try:
            return await sent(*words, **settings)
        finally:
            waiting -= 1

    if server is None:
        yield lambda: 0
        return
    sent = server.lm.amodel_call
    server.lm.amodel_call = counted
    try:
        yield lambda: most
    finally:
        server.lm.amodel_call = sent
