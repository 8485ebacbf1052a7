"""Runs the comparison of two tokenizers in a child process and reads its answer."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.tokenization.growth import require_bounded

# Two tokenizers of 256,000 entries take 9 s of processor time and 0.4 GB.
SECONDS = 180
BYTES = 4 * 2**30
SHOWN = 80


@dataclass(frozen=True)
class TokenizerComparison:
    """`problems` as half sentences; how many `probes` were encoded by both; the special tokens of both, by name; `reason` if there was none."""

    problems: tuple[str, ...]
    # True if the candidate's took more than the limits, or the process ended without an answer.
    stopped: bool = False
    probes: int = 0
    mine: tuple[tuple[str, str], ...] = ()
    theirs: tuple[tuple[str, str], ...] = ()
    reason: str = ""


def compare_tokenizers(folder: Path, base: Path, *, seconds: float = SECONDS) -> TokenizerComparison:
    """Load the tokenizers of two checkpoint folders with transformers, without their code or a network, and encode every probe with both.

    `reason` is set, and nothing compared, if the base's tokenizer cannot be loaded. A candidate's that cannot be loaded, that takes more than
    `seconds` or more than BYTES of memory, is a problem.
    """
    try:
        require_bounded(folder)
    except UsageProblem as error:
        return TokenizerComparison((error.detail,), stopped=True)
    command = [sys.executable, "-m", "pytest_unicomp.checkpoints.tokenization.child", str(folder), str(base)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds, env=environment, preexec_fn=_limit_memory, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return TokenizerComparison((f"the tokenizer has not encoded the probes within {seconds:g} s",), stopped=True)
    try:
        return _read(json.loads(done.stdout))
    except ValueError:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return TokenizerComparison((f"the tokenizer could not be tried (exit {done.returncode}: {' '.join(last)[:200]})",), stopped=True)


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def _read(found: dict[str, Any]) -> TokenizerComparison:
    if "theirs" in found:
        return TokenizerComparison((), reason=f"transformers cannot load the base's tokenizer: {found['theirs']}")
    if "mine" in found:
        return TokenizerComparison((f"transformers cannot load it: {found['mine']}",))
    problems = []
    unequal, first = found["vocabulary"]
    for entry, ours, others in first:
        problems.append(f"{unequal} entries of the vocabulary differ (first {entry!r}: {ours}, the base has {others})")
    count, examples = found["different"]
    for probe, ours, others in examples:
        text = probe if len(probe) <= SHOWN else f"{probe[:SHOWN]}..."
        problems.append(f"{text!r} becomes {ours}, the base makes it {others} ({count} of {found['probes']} probes differ)")
    mine, theirs = (tuple(sorted(each.items())) for each in found["special"])
    return TokenizerComparison(tuple(problems), probes=found["probes"], mine=mine, theirs=theirs)
