"""Reads the error level of the run that a report is of."""

from __future__ import annotations

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Report


def error_level(report: Report) -> float:
    """Return the report's one-sided alpha, in (0, 0.5); raise UsageProblem if its policy holds none, since a report is a foreign file."""
    found = report.policy.get("alpha")
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 0.5:
        raise UsageProblem(
            f"unicomp: policy.alpha of the report is {found!r}; expected a number above 0 and below 0.5, as a run writes it."
        )
    return float(found)
