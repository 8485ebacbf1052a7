"""The table of endings in docs/exit-codes.md; a test makes a whole run end in each way, and compares what it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from docs.tools.catalogue import table


@dataclass(frozen=True)
class Ending:
    """What a run leaves: its report, the exit code, and the line of the verdict; N and M stand for numbers, "..." for what differs."""

    report: Literal["whole", "partial", "none"]
    exit_code: int
    line: str


ENDINGS: Final[Mapping[str, Ending]] = {
    "everything passes": Ending("whole", 0, "unicomp: PASS (exit code 0)"),
    "something that gates is lost": Ending("whole", 1, "unicomp: FAIL (exit code 1)"),
    "undecided": Ending("whole", 6, "unicomp: INCONCLUSIVE (exit code 6)"),
    'undecided, with `inconclusive = "warn"`': Ending("whole", 0, "unicomp: INCONCLUSIVE (exit code 0)"),
    "all passes, and another test of the same run fails": Ending("whole", 1, "unicomp: PASS (exit code 1)"),
    "an artifact cannot be made": Ending("whole", 7, "unicomp: ERROR (exit code 7)"),
    "one recipe fails, another cannot be made": Ending("whole", 7, "unicomp: ERROR (exit code 7)"),
    "`-k`: a part of the tests": Ending("partial", 6, "unicomp: INCONCLUSIVE, partial: N of M checks (exit code 6)"),
    "`-k` that selects nothing": Ending("partial", 5, "unicomp: INCONCLUSIVE, partial: N of M checks (exit code 5)"),
    "`--lf` after a failure": Ending("partial", 1, "unicomp: FAIL, partial: N of M checks (exit code 1)"),
    "`-x` after a failure": Ending("partial", 1, "unicomp: FAIL, partial: N of M checks (exit code 1)"),
    "Ctrl-C": Ending("partial", 2, "unicomp: INCONCLUSIVE, partial: N of M checks (exit code 2)"),
    "SIGTERM": Ending("partial", 2, "unicomp: INCONCLUSIVE, partial: N of M checks (exit code 2)"),
    "SIGKILL": Ending("none", 7, "unicomp: the run was killed by SIGKILL before it could write its report; ..."),
    "a worker of pytest-xdist dies": Ending("partial", 7, "unicomp: ERROR, partial: N of M checks (exit code 7)"),
    "a time limit of pytest-timeout, typed": Ending("partial", 7, "unicomp: ERROR, partial: N of M checks (exit code 7)"),
    "an internal error": Ending("partial", 7, "unicomp: ERROR, partial: N of M checks (exit code 7)"),
    "the report cannot be written": Ending("none", 7, "unicomp: PASS (exit code 7)"),
    "an option is wrong": Ending("none", 4, "ERROR: unicomp: ..."),
}


def endings_table() -> str:
    """One row per ending: what happens, the report, the exit code, the verdict's line on the screen."""
    rows = [(name, ending.report, str(ending.exit_code), f"`{ending.line}`") for name, ending in ENDINGS.items()]
    return table(("ending", "report", "code", "on the screen"), rows)
