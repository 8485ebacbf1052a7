"""Ships `nano` in each format that docs/formats.md names, gates it, and prints what the gate said beside the score of the same weights unpacked.

    python benchmarks/formats.py [--only NAME,...] [--limit 300] [--write docs/formats.md]

Each row is one gate, with the shipped checkpoint and the unpacked one as its two candidates. Formats that are refused get the line that refused them.
A format whose library is not installed here is named and left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import shipped_formats

BENCHMARKS = ("nano-knowledge", "nano-reasoning")
START, END = "<!-- measured:start -->", "<!-- measured:end -->"


@dataclass(frozen=True)
class Outcome:
    """What one gate said of a shipped checkpoint: exit code, verdict of the checkpoint, and its scores (0 to 1) by benchmark.

    `line` is the message of a refusal. `unpacked` holds the scores of the same weights stored dense.
    """

    name: str
    exit_code: int
    verdict: str
    scores: Mapping[str, float]
    unpacked: Mapping[str, float]
    line: str = ""


def gate(folder: Path, base: Path, candidates: Sequence[Path], limit: int) -> tuple[int, str, dict]:
    """Run `unicomp gate` in a process of its own; return its exit code, what it printed, and its report ({} if it was refused)."""
    report = folder / "gate.json"
    command = [str(Path(sys.executable).parent / "unicomp"), "gate", str(base), "--profile", "smoke", "--limit", str(limit)]
    command += ["--benchmark", ",".join(BENCHMARKS), "--margin", "0.1", "--report", str(report), "--cache", str(folder / "store")]
    for candidate in candidates:
        command += ["--candidate", str(candidate)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "NO_COLOR": "1", "COLUMNS": "400"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False, timeout=900)
    content = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return done.returncode, done.stdout + done.stderr, content


def outcome(name: str, made: shipped_formats.Shipped, folder: Path, limit: int) -> Outcome:
    """Gate one shipped checkpoint beside its unpacked twin."""
    candidates = [made.candidate] if made.unpacked is None else [made.candidate, made.unpacked]
    code, printed, report = gate(folder, made.base, candidates, limit)
    if not report:
        lines = [line for line in printed.splitlines() if line.startswith(("ERROR", "unicomp", "Error", "error"))]
        return Outcome(name, code, "refused", {}, {}, (lines or printed.splitlines() or [""])[-1].replace(f"{folder}/", "").strip())
    found: dict[str, dict[str, float]] = {}
    for check in report["checks"]:
        if check["question"] == "retention" and check["benchmark"] in BENCHMARKS and check["candidate"]:
            found.setdefault(check["recipe"], {})[check["benchmark"]] = check["candidate"]["value"]
    verdicts = {recipe["recipe"]: recipe["verdict"] for recipe in report["recipes"]}
    twin = found.get(made.unpacked.name, {}) if made.unpacked else {}
    return Outcome(name, code, verdicts.get(made.candidate.name, "not there"), found.get(made.candidate.name, {}), twin)


def _points(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{100 * scores[name]:.1f}" if name in scores else "none" for name in BENCHMARKS)


def rows(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the two Markdown tables: what was evaluated, and what was refused."""
    lines = [f"| shipped as | verdict | score on {' and '.join(BENCHMARKS)} | the same weights unpacked |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {found.name} | {found.verdict} | {_points(found.scores)} | {_points(found.unpacked)} |" for found in outcomes if not found.line
    ]
    lines += ["", "| shipped as | exit code | the gate's line |", "| --- | --- | --- |"]
    return lines + [f"| {found.name} | {found.exit_code} | {found.line.replace('|', chr(92) + '|')} |" for found in outcomes if found.line]


def main() -> None:
    """Parse the command line, make and gate each format, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="comma-separated beginnings of names")
    parser.add_argument("--limit", type=int, default=300, help="items per benchmark")
    parser.add_argument("--write", type=Path, help="page whose measured tables are replaced")
    chosen = parser.parse_args()
    makers: Mapping[str, Callable[[Path], shipped_formats.Shipped]] = shipped_formats.MAKERS
    outcomes = []
    for name, maker in makers.items():
        if chosen.only and not any(name.startswith(start) for start in chosen.only.split(",")):
            continue
        missing = [module for module in shipped_formats.needs(name) if importlib.util.find_spec(module) is None]
        if missing:
            print(f"{name}: left out, {', '.join(missing)} is not installed", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="unicomp-formats-") as scratch:
            found = outcome(name, maker(Path(scratch)), Path(scratch), chosen.limit)
        outcomes.append(found)
        print(found, flush=True)
    table = "\n".join(rows(outcomes))
    print(table)
    if chosen.write:
        page = chosen.write.read_text(encoding="utf-8")
        made = re.sub(f"{START}.*?{END}", lambda _: f"{START}\n{table}\n{END}", page, flags=re.DOTALL)
        chosen.write.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
