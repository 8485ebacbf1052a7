"""A check of an artifact and its answer: pass, fail, or not applicable with the reason; found, expected, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_unicomp.api.records import Record

if TYPE_CHECKING:
    from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint

Status = Literal["pass", "fail", "not_applicable"]
SHOWN = 3


class Finding(Record):
    """A check's answer, as it is printed and written: `found` holds the reason if the check does not apply, `action` is empty unless it failed."""

    check: str
    status: Status
    found: str
    expected: str
    action: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of one inspection; `expected` if it is more exact than the check in general."""

    status: Status
    found: str
    expected: str = ""


@dataclass(frozen=True)
class ArtifactCheck:
    """One check: what must hold, what to do if it does not, and the function that looks at the checkpoint and its base."""

    expected: str
    action: str
    inspect: Callable[[Checkpoint, Checkpoint], Outcome]


def judged(problems: Iterable[str], otherwise: str, *, expected: str = "") -> Outcome:
    """Fail with the first problems and their number, or pass with what was found `otherwise`."""
    found = list(problems)
    if not found:
        return Outcome("pass", otherwise, expected)
    more = f" (and {len(found) - SHOWN} more)" if len(found) > SHOWN else ""
    return Outcome("fail", "; ".join(found[:SHOWN]) + more, expected)


def not_applicable(reason: str) -> Outcome:
    """Return the outcome of a check that does not apply, with the reason."""
    return Outcome("not_applicable", reason)
