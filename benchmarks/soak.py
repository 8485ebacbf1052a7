"""Kills the first gate of `make gate` at random times, resumes it, and compares what it says with an undisturbed run; prints a table.

`python benchmarks/soak.py [--minutes 5] [--seed 0]`: each cycle has a store of its own, is killed up to three times (SIGKILL, SIGTERM or
SIGINT, to all its processes or to `unicomp gate` alone) and then left alone. Needs Linux. Exit code 1 if a verdict was wrong, a process was left, a
temporary file stayed that nothing removes, or a resumed run took much more memory than the undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECIPES = ("--profile", "smoke", "--inform", "wanda-2of4,rtn-w3a16")
SETS = "nano-knowledge,nano-reasoning,nano-instruction-following,nano-safety,bytes,prefill-latency,decode-latency"
# What two undisturbed runs do not share either.
TIMED = ("prefill-latency", "decode-latency")
MARK = "UNICOMP_SOAK"
PAGE = os.sysconf("SC_PAGE_SIZE")
# How many times the memory of the undisturbed run a resumed one may take: what it finds in the store costs it no more than making it.
MORE_MEMORY = 1.25
SAMPLE_SECONDS = 0.25
# A run whose first process was killed alone finishes a step of compression before it sees that; on a busy machine that takes minutes.
GRACE_SECONDS = 300.0
# Kills of one cycle, and when: shares of the undisturbed run's time. What a killed run has done is done, so later ones get further.
KILLS = (1, 2, 3)
WITHIN = (0.02, 0.6)
LONGEST_SECONDS = 900.0
PASS = 0
KINDS = (
    (signal.SIGKILL, True),
    (signal.SIGKILL, False),
    (signal.SIGTERM, True),
    (signal.SIGTERM, False),
    (signal.SIGINT, True),
    (signal.SIGINT, False),
)


@dataclass(frozen=True)
class Ending:
    """How one process of a gate ended: exit code, seconds, the most open files and bytes of memory of all its processes at once.

    `left` counts the processes that stayed, `lingered` is how many seconds the last of the others went on after the first had ended.
    """

    code: int
    seconds: float
    open_files: int
    memory: int
    left: int
    lingered: float


@dataclass(frozen=True)
class Row:
    """One cycle: what was sent and when, the codes of killed and resumed runs, and everything that was wrong."""

    sent: str
    codes: str
    seconds: float
    open_files: int
    memory: int
    processes: int
    lingered: float
    temporary: int
    in_store: int
    wrong: tuple[str, ...]


class Gate:
    """The gate in a folder with a store, reports and temporary files of its own; its processes carry a mark in their environment."""

    def __init__(self, folder: Path) -> None:
        """Make the folders."""
        self.folder, self.report, self._mark = folder, folder / "gate.json", uuid.uuid4().hex
        self.temporary, self.store = folder / "tmp", folder / "store"
        self.temporary.mkdir(parents=True)

    def run(self, after: float | None = None, number: int = signal.SIGKILL, *, everyone: bool = True) -> Ending:
        """Run the gate; after so many seconds send a signal to all its processes or to the first alone. Wait until it has ended."""
        words = [sys.executable, "-c", "from pytest_unicomp.cli import main; main()", "gate", "nano", *RECIPES, "--benchmark", SETS]
        words += ["--report", "gate.json", "--cache", str(self.store)]
        environment = {**os.environ, MARK: self._mark, "TMPDIR": str(self.temporary)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started, most, memory, sent = time.monotonic(), 0, 0, after is None
        with subprocess.Popen(words, cwd=self.folder, env=environment, start_new_session=True, **quiet) as process:
            while process.poll() is None:
                passed = time.monotonic() - started
                alive = self._processes()
                most, memory = max(most, sum(map(_open_files, alive))), max(memory, sum(map(_memory, alive)))
                if passed > LONGEST_SECONDS:
                    os.killpg(process.pid, signal.SIGKILL)
                if not sent and after is not None and passed >= after:
                    sent = True
                    (os.killpg if everyone else os.kill)(process.pid, number)
                time.sleep(SAMPLE_SECONDS)
        seconds = time.monotonic() - started
        left, lingered = self._left()
        return Ending(process.returncode, seconds, most, memory, left, lingered)

    def files_left(self) -> list[Path]:
        """Return what lies in its temporary folder."""
        return [path for path in self.temporary.rglob("*") if path.is_file()]

    def unfinished(self) -> list[Path]:
        """Return what a kill left in the store: temporary files and folders, journals and scratch folders."""
        hidden = self.store.glob("*/.*")
        return [*hidden, *(self.store / "journals").glob("*"), *(self.store / "scratch").glob("*")]

    def _left(self) -> tuple[int, float]:
        started = time.monotonic()
        while (found := self._processes()) and time.monotonic() < started + GRACE_SECONDS:
            time.sleep(SAMPLE_SECONDS)
        for process in found:
            os.kill(process, signal.SIGKILL)
        return len(found), time.monotonic() - started

    def _processes(self) -> list[int]:
        return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit() and _marked(folder, self._mark)]


def _marked(folder: Path, mark: str) -> bool:
    try:
        # A process that has ended and was not waited for yet has an empty environment.
        return f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _open_files(process: int) -> int:
    try:
        return len(os.listdir(f"/proc/{process}/fd"))
    except OSError:
        return 0


def _memory(process: int) -> int:
    """Return the bytes of a process that lie in memory."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * PAGE
    except OSError:
        return 0


def said(report: Path) -> dict[str, Any]:
    """Return the verdicts of a report and the numbers behind them, without timings."""
    found = json.loads(report.read_text(encoding="utf-8"))
    checks = {
        f"{check['recipe']}/{check['benchmark']}/{check['question']}": (
            check["verdict"],
            check["difference"],
            check["interval"],
            check["n"],
        )
        for check in found["checks"]
        if check["benchmark"] not in TIMED
    }
    return {"checks": checks, "verdict": found["verdict"], "exit_code": found["exit_code"], "partial": found["partial"]}


def wrong_after_kill(gate: Gate, ending: Ending, alone: Mapping[str, Any]) -> list[str]:
    """Return what a killed run must not have said: a pass that is none, or a check with another answer."""
    if not gate.report.exists():
        return [] if ending.code not in (PASS, 1) else [f"code {ending.code} without a report"]
    try:
        found = said(gate.report)
    except ValueError:
        return ["its report is no JSON"]
    # A step that the signal broke is an error, and an error is no verdict on the model.
    wrong = [f"{name}: {one[0]}" for name, one in found["checks"].items() if one[0] != "error" and one != alone["checks"].get(name)]
    if found["partial"] and (found["verdict"] == "pass" or ending.code == PASS):
        wrong.append(f"partial, and {found['verdict']} with code {ending.code}")
    if not found["partial"] and ending.code == PASS and found["verdict"] != alone["verdict"]:
        wrong.append(f"{found['verdict']} with code {ending.code}")
    return wrong


def cycle(folder: Path, draw: random.Random, whole: float, alone: Mapping[str, Any]) -> Row:
    """Kill one gate some times, resume it, and return what came of it."""
    gate, sent, wrong, endings, temporary = Gate(folder), [], [], [], 0
    for _ in range(draw.choice(KILLS)):
        (number, everyone), after = draw.choice(KINDS), draw.uniform(*WITHIN) * whole
        ending = gate.run(after, number, everyone=everyone)
        sent.append(f"{number.name[3:]}{'' if everyone else ' one'} {after:.0f}s{' (too late)' if ending.seconds < after else ''}")
        endings.append(ending)
        wrong += wrong_after_kill(gate, ending, alone)
        if number != signal.SIGKILL:
            temporary += len(gate.files_left())
    for path in gate.files_left():
        path.unlink()
    ending = gate.run()
    endings.append(ending)
    found = said(gate.report) if gate.report.exists() else {}
    wrong += [f"resumed: another {name}" for name in alone if found.get(name) != alone[name]]
    left = gate.unfinished()
    temporary += len(gate.files_left())
    shutil.rmtree(folder)
    return Row(
        sent=", ".join(sent),
        codes=" ".join(str(one.code) for one in endings),
        seconds=ending.seconds,
        open_files=ending.open_files,
        memory=ending.memory,
        processes=sum(one.left for one in endings),
        lingered=max(one.lingered for one in endings),
        temporary=temporary,
        in_store=len(left),
        wrong=tuple(wrong),
    )


def main() -> int:
    """Run the undisturbed gate, then cycles; none begins after the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw, rows = random.Random(given.seed), []
    with tempfile.TemporaryDirectory() as name:
        first = Gate(Path(name) / "alone")
        ending = first.run()
        alone = said(first.report)
        print(
            f"undisturbed: {alone['verdict']}, code {ending.code}, {len(alone['checks'])} checks without timings, {ending.seconds:.1f} s, "
            f"at most {ending.open_files} open files and {ending.memory / 1e6:.0f} MB; left: {ending.left} processes, {len(first.files_left())} temporary files, "
            f"{len(first.unfinished())} in the store"
        )
        print(
            f"{'sent':44} {'codes':12} {'resumed':>8} {'files':>6} {'MB':>6} {'procs':>6} {'after':>6} {'temp':>5} {'store':>6}  wrong",
            flush=True,
        )
        started = time.monotonic()
        while time.monotonic() - started < 60 * given.minutes:
            row = cycle(Path(name) / str(len(rows)), draw, ending.seconds, alone)
            rows.append(row)
            print(
                f"{row.sent:44} {row.codes:12} {row.seconds:7.1f}s {row.open_files:6} {row.memory / 1e6:6.0f} {row.processes:6} {row.lingered:5.0f}s "
                f"{row.temporary:5} {row.in_store:6}  {'; '.join(row.wrong) or '-'}",
                flush=True,
            )
    wrong = sum(bool(row.wrong) for row in rows)
    print(
        f"{len(rows)} cycles in {(time.monotonic() - started) / 60:.1f} minutes: {wrong} with a wrong verdict, "
        f"{sum(row.processes for row in rows)} processes left (the last ended {max(row.lingered for row in rows):.0f} s after its gate), "
        f"{sum(row.temporary for row in rows)} temporary files, "
        f"{sum(row.in_store for row in rows)} unfinished entries in stores; at most {max(row.open_files for row in rows)} open files "
        f"and {max(row.memory for row in rows) / 1e6:.0f} MB"
    )
    return int(any(row.wrong or row.processes or row.temporary or row.memory > MORE_MEMORY * ending.memory for row in rows))


if __name__ == "__main__":
    sys.exit(main())
