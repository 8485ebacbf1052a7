"""Reads the reports of a study and names their models; refuses reports that cannot stand side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import ReferenceSummary, Report
from pytest_unicomp.report.json import read
from pytest_unicomp.report.visible import one_line


@dataclass(frozen=True)
class Source:
    """A report of one model: the model's name in the study, the file, and what the file holds."""

    name: str
    file: str
    report: Report
    reference: ReferenceSummary

    @property
    def confidence(self) -> float:
        """Return the confidence of the run's intervals, in (0, 1); raise UsageProblem if its policy holds none, since a report is a foreign file."""
        found = self.report.policy.get("confidence")
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1:
            raise UsageProblem(
                f"unicomp: policy.confidence of {self.file} is {found!r}; expected a number above 0 and below 1, as a run writes it."
            )
        return float(found)


def sources(paths: Sequence[Path]) -> list[Source]:
    """Return the reports with their models, the smallest model first; raise UsageProblem for a file that is no report of a model of its own."""
    found: list[Source] = []
    for path in paths:
        report = read(path)
        if report.reference is None or not report.recipes:
            lacking = "a reference" if report.reference is None else "a recipe"
            raise UsageProblem(f"unicomp: {path} is a report without {lacking}; expected the report of a run that measured something.")
        name = one_line(report.reference.model)
        for other in found:
            if other.reference.fingerprint == report.reference.fingerprint:
                raise UsageProblem(
                    f"unicomp: {other.file} and {path} are both of {name} (same weights); expected one report per model: name all its recipes "
                    "in one run, which takes from the store what was measured before."
                )
        if any(other.name == name for other in found):
            name = f"{name} ({report.reference.fingerprint[:8]})"
        found.append(Source(name, str(path), report, report.reference))
    return sorted(found, key=lambda source: (source.reference.parameters, source.name))
