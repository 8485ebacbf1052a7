"""Measures the cells of one artifact by one engine; a server is started once for all benchmarks."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.served.engines import Engine
from benchmarks.served.evidence import Cell
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Measurement
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.run import Run


@dataclass(frozen=True)
class Asked:
    """The model, benchmarks, items and data that all cells have in common."""

    model: str
    benchmarks: Sequence[str]
    items: int
    bundle: Path | None

    def key(self, artifact: str, engine: Engine, benchmark: str) -> tuple[str, str, str, str, int]:
        """Return the key of a cell among the evidence."""
        return artifact, benchmark, engine.name, engine.dtype, self.items

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
        start_seconds = None
        if engine.serve is not None:
            run.results.loaded.server((run.results.subject(artifact), run.results.evaluated_by(artifact)))
            start_seconds = time.perf_counter() - started
        found = run.measurement(artifact, benchmark)
    except UnicompError as error:
        return made.model_copy(update={"seconds": time.perf_counter() - started, "refused": _first_cause(error.detail), **_now()})
    return made.model_copy(update={**_scores(found), "start_seconds": start_seconds, **_now()})


def _first_cause(why: str) -> str:
    """Return a reason without the place of the log, which is on the machine where it was measured."""
    return why.partition("; all that it printed")[0].partition(" All that the server printed")[0]


def _scores(found: Measurement) -> dict[str, object]:
    answers = {item.id: (item.score, hashlib.sha256(item.answer.encode()).hexdigest()[:12]) for item in found.items}
    return {"value": found.value, "stderr": found.stderr, "seconds": found.seconds, "answers": answers, "machine": found.machine}


def _now() -> dict[str, str]:
    return {"created": datetime.now(UTC).isoformat(timespec="seconds")}
