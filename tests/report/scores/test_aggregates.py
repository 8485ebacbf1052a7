"""The paper's aggregates follow from its cells, except for known exceptions."""

from __future__ import annotations

import pytest

from pytest_unicomp.report.scores import aggregates

KNOWN_AGGREGATES = {(entry["model"], entry["row"], entry["cell"]): entry for entry in aggregates.exceptions()}


@pytest.mark.parametrize("found", aggregates.aggregates(), ids=lambda found: f"{found.model}-{found.row}-{found.cell}")
def test_a_printed_sub_score_or_mean_follows_from_its_cells_or_is_a_known_exception(found):
    known = KNOWN_AGGREGATES.get((found.model, found.row, found.cell))
    assert found.follows is (known is None)
    if known is not None:
        assert (known["printed"], known["recomputed"]) == (found.printed, found.recomputed)
        assert known["why"]


def test_every_exception_of_an_aggregate_is_about_one_and_the_means_of_all_languages_agree():
    names = {(found.model, found.row, found.cell) for found in aggregates.aggregates()}
    assert set(KNOWN_AGGREGATES) <= names
    assert len(KNOWN_AGGREGATES) == len(aggregates.exceptions())
    assert not [cell for _, _, cell in KNOWN_AGGREGATES if cell == "G-MMLU-Lite"]
