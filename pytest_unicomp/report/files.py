"""Writes a report in the format of the file's suffix, and validates the paths before a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.records import Report


def _json(report: Report, path: Path) -> None:
    from pytest_unicomp.report.json import write

    write(report, path)


def _html(report: Report, path: Path) -> None:
    from pytest_unicomp.report.html import write

    write(_as_read_back(report), path)


def _markdown(report: Report, path: Path) -> None:
    from pytest_unicomp.report.markdown import write

    write(_as_read_back(report), path)


def _as_read_back(report: Report) -> Report:
    """Return the report as its JSON file would be read, so that a page rendered in the run equals one rendered from the file."""
    from pytest_unicomp.report.json import document

    return Report.model_validate(document(report))


_WRITERS: Final[dict[str, Callable[[Report, Path], None]]] = {".json": _json, ".html": _html, ".md": _markdown}
SUFFIXES: Final = tuple(_WRITERS)


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        found = f"the suffix {path.suffix!r}" if path.suffix else "no suffix"
        raise UsageProblem(f"unicomp: report {path} has {found}; expected one of {', '.join(SUFFIXES)}.{nearest(suffix, SUFFIXES)}")
    return suffix


def validate(path: Path) -> None:
    """Raise UsageProblem unless a report could be written to `path`; writes no file and makes no folder."""
    _suffix(path)
    if path.is_dir():
        raise UsageProblem(f"unicomp: report {path} is a folder; expected a file name such as {path / 'gate.html'}.")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise UsageProblem(f"unicomp: report {path} cannot be written: {folder} is a file; expected a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageProblem(f"unicomp: report {path} cannot be written: the folder {folder} is not writable; choose another one.")


def write(report: Report, path: Path) -> None:
    """Write `report` as JSON, HTML or Markdown by the suffix of `path`, atomically.

    Raises UsageProblem for an unknown suffix and OSError if writing fails.
    """
    _WRITERS[_suffix(path)](report, path)
