"""Data sets made here in the hub's layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_unicomp.benchmarks.performance.mmlu_pro import SUBJECTS


def rows(bundle: Path, place: str, *found: dict[str, Any]) -> None:
    """Write rows of a data set in the hub's layout: <org>/<name>/<configuration>/<split>.jsonl, which its README lists."""
    path = bundle / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    folder = path.parent.parent
    configurations = [
        {
            "config_name": one.name,
            "data_files": [{"split": file.stem, "path": f"{one.name}/{file.name}"} for file in sorted(one.glob("*.jsonl"))],
        }
        for one in sorted(folder.iterdir())
        if one.is_dir()
    ]
    (folder / "README.md").write_text(f"---\n{json.dumps({'configs': configurations})}\n---\n", encoding="utf-8")


def mmlu_pro_rows(bundle: Path) -> None:
    """Write MMLU-Pro: four questions of each subject with four or ten options, of which the second is right, and five examples."""
    for split, number in (("test", 4), ("validation", 5)):
        found = [
            {
                "question_id": one,
                "question": f"Which is number {one}?",
                "options": [f"choice {place}" for place in range(10 if one % 2 else 4)],
                "answer": "B",
                "answer_index": 1,
                "cot_content": "A: Let's think step by step. It is the second. The answer is (B).",
                "category": category,
                "src": f"source-{one % 2}",
            }
            for category in (subject.replace("_", " ") for subject in SUBJECTS)
            for one in range(number)
        ]
        rows(bundle, f"TIGER-Lab/MMLU-Pro/default/{split}.jsonl", *found)
