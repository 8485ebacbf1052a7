"""Our evaluation beside lm-eval's own `simple_evaluate`: same loaded model, same items, alternating; prints seconds, their ratio and its spread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pytest_unicomp import engine
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.benchmarks.items import select
from pytest_unicomp.run import compress, evaluate

ROUNDS = 3
LIMIT = 200
BATCH = 32
NAMES = ("nano-knowledge", "nano-reasoning")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds one call took, and what it gave."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def main() -> None:
    """Measure and print one line per benchmark."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    artifact = compress.dense(compress.reference("nano", None))
    how = Evaluation(limit=LIMIT, seed=0, bundle=None, device="cpu", dtype="float32")
    loaded = engine.load(Path(artifact.path), device=how.device, dtype=how.dtype)
    plain = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=BATCH, backend="causal")
    for name in NAMES:
        benchmark: Any = benchmarks()[name]
        rows = {row["id"]: row for row in benchmark.rows()}
        chosen = [rows[identifier] for identifier in select(rows, limit=LIMIT, seed=how.seed)]
        theirs_seconds, ours_seconds, equal = [], [], True
        for turn in range(ROUNDS + 1):
            ours, measured = timed(partial(evaluate.measure, artifact, name, benchmark, loaded, how))
            options = {"bootstrap_iters": 0, "apply_chat_template": True, "log_samples": True}
            theirs, answered = timed(partial(simple_evaluate, plain, tasks=[benchmark.task(chosen)], **options))
            value = answered["results"][name][f"{benchmark.metric},none"]
            equal = equal and abs(value - measured.value) < 1e-9
            if turn:  # the first turn warms up
                ours_seconds.append(ours)
                theirs_seconds.append(theirs)
        ratios = [their / our for their, our in zip(theirs_seconds, ours_seconds, strict=True)]
        print(
            f"{name}, {LIMIT} items: ours {statistics.median(ours_seconds):.2f} s, lm-eval {statistics.median(theirs_seconds):.2f} s, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), scores equal: {equal}"
        )


if __name__ == "__main__":
    main()
