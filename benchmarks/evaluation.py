"""Seconds per item of our evaluation beside lm-eval's own `simple_evaluate`, same loaded model, same items, alternating; prints the ratio and its spread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from pytest_unicomp import checkpoints, compress, engine, evaluate
from pytest_unicomp.registry import Evaluation, benchmarks

ROUNDS = 3
LIMIT = 200
NAMES = ("nano-knowledge", "nano-reasoning")


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print one line per benchmark."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    folder = checkpoints.resolve("nano", None)
    artifact = compress.dense(compress.reference("nano", None))
    how = Evaluation(limit=LIMIT, seed=0, bundle=None, device="cpu", dtype="float32")
    loaded = engine.load(Path(folder), device="cpu", dtype="float32")
    plain = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=32)
    for name in NAMES:
        benchmark = benchmarks()[name]
        task = benchmark.task()
        ours, theirs, equal = [], [], True
        for turn in range(ROUNDS + 1):
            measured = []
            took = seconds(
                lambda benchmark=benchmark, name=name, measured=measured: measured.append(
                    evaluate.measure(artifact, name, benchmark, loaded, how)
                )
            )
            answered = []
            work = lambda task=task, answered=answered: answered.append(  # noqa: E731 - handed on once
                simple_evaluate(plain, tasks=[task], limit=LIMIT, bootstrap_iters=0, apply_chat_template=True, log_samples=True)
            )
            other = seconds(work)
            if turn:  # the first turn warms up
                ours.append(took)
                theirs.append(other)
        ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
        print(
            f"{name}: ours {statistics.median(ours):.2f} s, lm-eval {statistics.median(theirs):.2f} s, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), n {LIMIT}, equal {equal}"
        )


if __name__ == "__main__":
    main()
