"""The result of `unicomp verify` for one part of a report."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.cli.verify.evidence import State


@dataclass(frozen=True)
class Answer:
    """The state of one part of a report: as_reported, missing (no evidence in the store), changed (the evidence was edited), differs (the report
    contradicts its evidence) or not_checked. `note` is the detail, in one sentence."""

    what: str
    state: State
    note: str
