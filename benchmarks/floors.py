"""Prints what constant answers score on TrustLLM's sub-tasks, the table of docs/reliability.md. Give the folder that holds TrustLLM's files."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.benchmarks.reliability.trustllm.benchmark import CONSTANTS, ONE_LABEL, TrustLLMTask, floors
from pytest_unicomp.judges.build import offline


def table(bundle: Path) -> list[str]:
    """Return the lines of the table, percent."""
    evaluation = Evaluation(limit=None, seed=0, bundle=bundle, device="cpu", dtype="auto")
    columns = [*CONSTANTS, ONE_LABEL]
    lines = [f"| sub-task | items | {' | '.join(columns)} | as published, the best |", "| --- | --- |" + " --- |" * (len(columns) + 1)]
    for name, entry in benchmarks().items():
        if not isinstance(entry, TrustLLMTask) or entry.judge == "similarity":
            continue
        rows = list(entry.grouped(evaluation).values())
        corrected, paper = (floors(entry.scoring_rule, rows, offline(), scoring) for scoring in ("corrected", "paper"))
        best = max(paper, key=lambda constant: paper[constant], default=None)
        shown = " | ".join(f"{100 * corrected[constant]:.0f}" if constant in corrected else "-" for constant in columns)
        lines.append(f"| `{name}` | {entry.items} | {shown} | {'none is read' if best is None else f'{100 * paper[best]:.0f} ({best})'} |")
    return lines


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print("\n".join(table(Path(sys.argv[1]))))
    else:
        print("floors: give the folder that holds TrustLLM's files; nothing was computed")
