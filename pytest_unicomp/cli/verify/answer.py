"""The answer of `unicomp verify` about one thing in a report."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.cli.verify.evidence import State


@dataclass(frozen=True)
class Answer:
    """The state of one thing in a report: as_reported, missing (its evidence is gone), changed (its evidence is another now), differs (the report
    says something else than its evidence), not_checked; `note` says what exactly."""

    what: str
    state: State
    note: str
