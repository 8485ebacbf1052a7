"""Writes the reports that the options or a CI service request."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Report
from pytest_unicomp.api.unforeseen import unforeseen


@dataclass(frozen=True)
class WrittenReports:
    """The paths of the reports that were written, and a line on each that was requested."""

    paths: Sequence[str] = ()
    lines: Sequence[str] = ()


def write_reports(answer: Report, paths: Sequence[str]) -> WrittenReports:
    """Write a report to each path, and to the page of a CI job if there is one; `paths` of what is returned lacks those that failed."""
    from pytest_unicomp import report

    lines, written = [], []
    for path in paths:
        try:
            report.write(answer, Path(path))
            lines.append(f"report: {path}")
            written.append(path)
        except (OSError, UnicompError) as error:
            lines.append(f"ERROR: the report {path} was not written: {error}")
        except Exception as error:  # noqa: BLE001 - one fault of the program must not cost the other reports
            lines.append(f"ERROR: the report {path} was not written: {unforeseen(error)}")
    return WrittenReports(written, [*lines, *_step_summary(answer)])


def remove_earlier(paths: Sequence[str]) -> None:
    """Remove the reports of an earlier run."""
    for path in map(Path, paths):
        # What cannot be removed cannot be written either, which is reported at the end.
        with suppress(OSError):
            if path.is_file():
                path.unlink()


def _step_summary(answer: Report) -> list[str]:
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return []
    from pytest_unicomp.report import markdown

    try:
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(markdown.render(answer) + "\n")
    except OSError as error:
        # The page is a courtesy: the verdict does not depend on it.
        return [f"the step summary {summary} was not written: {error}"]
    return []
