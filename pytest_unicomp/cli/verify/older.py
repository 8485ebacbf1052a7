"""Lists the report fields that older versions did not write; `unicomp verify` leaves them out for an older report, which claims nothing of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from pytest_unicomp.api.records import Report

# Field of a report, its recipes or its checks -> what it says.
NEWER: Final[Mapping[str, str]] = {
    "unchanged": "how likely a model without any loss passes the gate",
    "rankings": "which recipes can be told apart",
    "spread": "how much the difference of an item varies",
    "design_effect": "how much clusters raise that",
    "divergence_table": "how far the distributions are apart, by percentiles",
    "divergent_replies": "where replies part",
    "uncertainty": "how well stated probabilities fit",
}


def absent(record: BaseModel) -> list[str]:
    """Return the newer fields that the file of this record did not have; a removed field is found by the record that the run kept."""
    return [name for name in NEWER if name in type(record).model_fields and name not in record.model_fields_set]


def without_absent(report: Report, written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of a report without the fields that its file did not have."""
    lacking = set(absent(report))
    kept = {name: value for name, value in written.items() if name not in lacking}
    for name, records in (("recipes", report.recipes), ("checks", report.checks)):
        kept[name] = [_without(record, row) for record, row in zip(records, written[name], strict=True)]
    return kept


def _without(record: BaseModel, row: Mapping[str, Any]) -> dict[str, Any]:
    lacking = set(absent(record))
    return {name: value for name, value in row.items() if name not in lacking}


def age_lines(report: Report) -> list[str]:
    """Return the line on the fields that an older report lacks; none if it has them all."""
    names = dict.fromkeys(name for record in (report, *report.recipes, *report.checks) for name in absent(record))
    said = ", ".join(f"`{name}` ({NEWER[name]})" for name in names)
    return [f"unicomp: this report is older than {said}: nothing of it is claimed, so it was not checked"] if said else []
