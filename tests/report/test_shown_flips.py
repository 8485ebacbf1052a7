"""Flipped items on the page: which are chosen, and that their texts are shown whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.records import Check, Example, Report
from pytest_unicomp.report import html
from pytest_unicomp.report.shown_flips import budget, worst
from pytest_unicomp.report.visible import visible
from tests.compare.toy_checks import kept as toy_kept
from tests.report import toy_report
from tests.report.page_reader import Page


@pytest.fixture(scope="module")
def report() -> Report:
    return toy_report.full()


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(toy_report.full()))


def test_flipped_answers_are_shown_whole_with_their_white_space_and_visible_controls(page: Page, report: Report) -> None:
    # A browser drops the line feed that follows <pre>; the parser of this test does not.
    shown = {passage.removeprefix("\n") for passage in page.passages}
    for text in toy_report.NASTY:
        assert any(visible(text) in passage for passage in shown), text
    assert any(passage.startswith("\nB   because") for passage in shown)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page.text)


def flipped(benchmark: str, difference: float, lost: int, changed: int, gained: int) -> Check:
    kinds = ["lost"] * lost + ["changed"] * changed + ["gained"] * gained
    examples = [
        Example(id=f"{benchmark}/{place}", prompt="", target="", reference_answer="", candidate_answer="", kind=kind)
        for place, kind in enumerate(kinds)
    ]
    return toy_kept(difference - 0.01, difference + 0.01, benchmark=benchmark, examples=examples)


def test_losses_of_the_worst_benchmark_come_first_and_benchmarks_take_turns() -> None:
    found = worst([flipped("mild", -0.01, 3, 0, 0), flipped("bad", -0.3, 3, 0, 0)], 4)
    assert [flip.example.id for flip in found] == ["bad/0", "mild/0", "bad/1", "mild/1"]


def test_changed_and_gained_items_are_shown_however_much_was_lost() -> None:
    found = worst([flipped("bad", -0.3, 50, 50, 50)], 10)
    assert [flip.example.kind for flip in found] == ["lost"] * 6 + ["changed"] * 2 + ["gained"] * 2


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 3), max_size=4), st.integers(3, 20))
def test_no_more_flips_are_shown_than_allowed_and_none_is_withheld_below_that(counts: list[tuple[int, int, int]], most: int) -> None:
    checks = [flipped(str(place), -0.1, *kinds) for place, kinds in enumerate(counts)]
    found = worst(checks, most)
    assert len(found) == min(most, sum(map(sum, counts)))
    assert len({flip.example.id for flip in found}) == len(found)


@given(st.integers(1, 200))
def test_more_recipes_show_fewer_flips_each(recipes: int) -> None:
    assert 8 <= budget(recipes + 1) <= budget(recipes) <= 20
