"""Stores the report of a run as it was written, so that `unicomp verify` finds any later edit of the file."""

from __future__ import annotations

from typing import Any

from pytest_unicomp.api.records import Report
from pytest_unicomp.report.json import document
from pytest_unicomp.store.local import Store, digest

KIND = "reports"


def recorded(report: Report) -> dict[str, Any]:
    """Return the report as the document to store: all fields except `record`, which is the key of that document."""
    return {name: value for name, value in document(report).items() if name != "record"}


def kept(report: Report, store: Store) -> Report:
    """Keep a report under its content, and return it with the key."""
    content = recorded(report)
    key = digest(content)
    store.write(KIND, key, content)
    return report.model_copy(update={"record": key})
