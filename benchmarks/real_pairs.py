"""Judges recorded predictions of real models, fp16 against int8 and int4: `python benchmarks/real_pairs.py [FOLDER]` prints the table of docs/verdicts.md."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pytest_unicomp.compare import stats

MARGIN, ALPHA = 0.03, 0.05
MODELS = ("Qwen/Qwen2.5-1.5B-Instruct", "google/gemma-2-2b-it")
FOLDER = Path(os.environ.get("UNICOMP_SHARED") or Path(__file__).parents[2] / "shared") / "paired"


def scores(folder: Path, model: str, precision: str, benchmark: str) -> list[float]:
    """Return 1 for each right answer, 0 for each wrong one, in the order of the items."""
    targets = json.loads((folder / "_bench_items.json").read_text(encoding="utf-8"))[benchmark]
    name = f"{model.replace('/', '__')}__{precision}__{benchmark}.json"
    answers = json.loads((folder / name).read_text(encoding="utf-8"))["preds"]
    return [float(answer == item["answer"]) for answer, item in zip(answers, targets, strict=True)]


def row(folder: Path, model: str, benchmark: str, precision: str) -> str:
    """Return one line of the table: flips, difference, interval and verdict; and where looking item by item would have stopped."""
    before, after = (scores(folder, model, name, benchmark) for name in ("fp16", precision))
    found = stats.paired_difference(before, after, alpha=ALPHA, margin=MARGIN)
    lost = sum(new < old for old, new in zip(before, after, strict=True))
    gained = sum(new > old for old, new in zip(before, after, strict=True))
    answer = stats.non_inferiority(found.lower, found.upper, MARGIN)
    verdict = {"better": "pass", "kept": "pass", "lost": "fail", "undecided": "inconclusive"}[answer]
    early = stats.sequential_difference(
        before, after, alpha=ALPHA, total=len(before), allowances=[MARGIN] * len(before), allowed=(MARGIN, MARGIN)
    )
    shown = f"{100 * found.difference:+.1f} | {100 * found.lower:+.1f} to {100 * found.upper:+.1f}"
    stopped = f"{early.verdict or 'inconclusive'} after {early.items}"
    return f"| {model.split('/')[1]} | {benchmark.upper()} | {precision} | {len(before)} | {lost} | {gained} | {shown} | {verdict} | {stopped} |"


def main() -> None:
    """Print one row per model, benchmark and precision."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    if not folder.is_dir():
        print(f"no recorded predictions in {folder}; name their folder, or set UNICOMP_SHARED")
        return
    print("| model | benchmark | precision | n | lost | gained | difference (points) | interval | verdict | sequential |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for model in MODELS:
        for benchmark in ("arc", "mmlu", "csqa"):
            for precision in ("int8", "int4"):
                print(row(folder, model, benchmark, precision))


if __name__ == "__main__":
    main()
