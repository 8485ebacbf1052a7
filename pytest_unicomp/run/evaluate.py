"""Stage 3: artifact -> measurement. Runs one benchmark on one loaded model and records every item with the conditions of the evaluation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation, ItemBenchmark, SizeBenchmark
from pytest_unicomp.api.records import Artifact, Conditions, Measurement
from pytest_unicomp.api.source_digest import file_digest, package_digest
from pytest_unicomp.compare import stats
from pytest_unicomp.config.generation_values import as_arguments
from pytest_unicomp.engine.host import host
from pytest_unicomp.run import reply_passes
from pytest_unicomp.store.local import digest

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine
    from pytest_unicomp.engine.lm_eval_model import LmEvalEngine
    from pytest_unicomp.engine.serving import ServedEngine

# The packages whose code shapes every measurement.
SHARED = ("pytest_unicomp.engine", "pytest_unicomp.engine.serving", "pytest_unicomp.benchmarks")


def measure(
    artifact: Artifact, name: str, benchmark: ItemBenchmark, engine: Engine | ServedEngine | LmEvalEngine, evaluation: Evaluation
) -> Measurement:
    """Score the items of a benchmark on the loaded artifact.

    `value` is the mean of the scores that could be given, `stderr` the sample standard deviation over the square root of their number
    (None below two); `n` counts all items, those without a score included. Raises InfrastructureError if no item came back.
    """
    started = time.perf_counter()
    scored = reply_passes.scored_in_passes(benchmark, engine, evaluation)
    if not scored.items:
        raise InfrastructureError(f"unicomp: benchmark {name} returned no items for {artifact.recipe}; expected at least one.")
    value, stderr = stats.mean_and_error([item.score for item in scored.items if item.score is not None])
    return Measurement(
        benchmark=name,
        dimension=benchmark.dimension,
        capability=benchmark.capability,
        metric=benchmark.metric,
        higher_is_better=benchmark.higher_is_better,
        chance=scored.chance,
        value=value,
        stderr=stderr,
        n=len(scored.items),
        items=list(scored.items),
        conditions=Conditions(
            benchmark=name,
            dataset=dataset(benchmark.identity(evaluation)),
            metric=benchmark.metric,
            template_arguments=as_arguments(evaluation.template_arg) if scored.template != "none" else {},
            replies=evaluation.replies if scored.generation else 1,
            template=scored.template,
            shots=benchmark.shots,
            generation=dict(scored.generation),
            engine=scored.engine,
            dtype=engine.dtype,
            seed=evaluation.seed,
            limit=evaluation.limit,
            scoring=scored.scoring,
            judge=scored.judge,
        ),
        artifact=artifact.fingerprint,
        evaluated_by=evaluation.serve or evaluation.backend,
        versions=host.versions(),
        machine=host.device_name(engine.device),
        seconds=time.perf_counter() - started,
        created=_now(),
        unanswered=scored.unanswered,
        unjudged=scored.unjudged,
        unavailable=scored.unavailable,
        floors=dict(scored.floors),
        judge_agreement=scored.judge_agreement,
    )


def dataset(identity: Mapping[str, Any]) -> str:
    """Return the digest of a benchmark's data, which comparable measurements share: "dataset" of its identity, else a digest of the whole identity."""
    return str(identity["dataset"]) if "dataset" in identity else digest(identity)


def measure_size(artifact: Artifact, name: str, benchmark: SizeBenchmark, evaluation: Evaluation) -> Measurement:
    """Read a number off the artifact; nothing is loaded, so there are no items and no standard error."""
    started = time.perf_counter()
    value = benchmark.size(artifact, evaluation)
    return Measurement(
        benchmark=name,
        dimension=benchmark.dimension,
        capability=benchmark.capability,
        metric=benchmark.metric,
        higher_is_better=benchmark.higher_is_better,
        chance=None,
        value=value,
        stderr=None,
        n=1,
        items=[],
        conditions=Conditions(
            benchmark=name,
            dataset=benchmark.dataset,
            metric=benchmark.metric,
            template="none",
            shots=0,
            generation={},
            engine="files",
            dtype="none",
            seed=evaluation.seed,
            limit=None,
        ),
        artifact=artifact.fingerprint,
        versions=host.versions(),
        machine=host.device_name("cpu"),
        seconds=time.perf_counter() - started,
        created=_now(),
        details=dict(benchmark.details(artifact, evaluation)),
    )


@cache
def source() -> str:
    """Return 16 hex digits over the code that all measurements share, so that results made by older code are not reused."""
    own = {"evaluate": file_digest(__file__), "passes": file_digest(reply_passes.__file__)}
    return digest({"packages": package_digest(*SHARED), **own})[:16]


@cache
def runtime_source() -> str:
    """Return 16 hex digits over the code that puts kernels into models, so that timings made by older code are not reused."""
    return package_digest("pytest_unicomp.engine.runtimes")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
