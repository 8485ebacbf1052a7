"""The paper's formulas on rows by hand, and properties that every pool has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.report.scores.formulas import GROUPS, Group, efficiency, retention

values = st.floats(0.1, 1000)


def test_a_base_model_retains_100_percent_of_itself_in_both_scorings():
    row = {cell: 40.0 for groups in GROUPS.values() for group in groups for cell in (*group.cells, group.printed) if cell}
    for score, groups in GROUPS.items():
        assert retention(groups, row, row, paper=True) == pytest.approx(100), score
        assert retention(groups, row, row, paper=False) == pytest.approx(100), score


def test_lower_is_better_cells_are_inverted_and_left_out_cells_are_dropped_in_corrected_scoring_only():
    group = Group(("good", "bad", "broken"), inverted=("bad",), left_out=("broken",))
    row = {"good": 80.0, "bad": 30.0, "broken": 0.0}
    assert group.paper(row) == pytest.approx((80 + 30 + 0) / 3)
    assert group.corrected(row) == pytest.approx((80 + 70) / 2)


def test_a_missing_cell_or_a_base_of_zero_leaves_no_score():
    groups = (Group(("a",)), Group(("b",)))
    assert retention(groups, {"a": 1.0}, {"a": 1.0, "b": 1.0}, paper=True) is None
    assert retention(groups, {"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 0.0}, paper=True) is None


@given(st.lists(st.tuples(values, values), min_size=1, max_size=6), st.floats(0.1, 10))
def test_efficiency_is_at_most_100_and_does_not_depend_on_the_unit(rows, factor):
    pool = {str(place): {"speed": speed, "bytes": size} for place, (speed, size) in enumerate(rows)}
    columns = {"speed": True, "bytes": False}
    found = efficiency(pool, columns)
    assert all(value is not None and 0 < value <= 100 * (1 + 1e-9) for value in found.values())
    scaled = efficiency({name: {"speed": row["speed"] * factor, "bytes": row["bytes"]} for name, row in pool.items()}, columns)
    assert scaled == pytest.approx(found)


def test_a_row_without_a_column_has_no_efficiency_and_leaves_the_others_theirs():
    found = efficiency({"a": {"speed": 1.0}, "b": {"speed": 2.0}, "c": {"speed": None}}, {"speed": True})
    assert found == {"a": 50.0, "b": 100.0, "c": None}
