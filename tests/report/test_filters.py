"""Filters of the flips: numbered classes and rules, without any name from the report."""

from __future__ import annotations

from pytest_unicomp.api.records import Example
from pytest_unicomp.report.filters import classes, filters, rules
from pytest_unicomp.report.shown_flips import Flip

NAMES = [("awq", "mmlu"), ("awq", "arc"), ("{evil}", "mmlu")]
FLIPS = [
    Flip(recipe, benchmark, Example(id="1", prompt="", target="", reference_answer="", candidate_answer="", kind="lost"))
    for recipe, benchmark in NAMES
]


def test_a_flip_has_the_classes_of_its_recipe_and_of_its_benchmark() -> None:
    choices = filters(FLIPS)
    assert [choice.names for choice in choices] == [("awq", "{evil}"), ("mmlu", "arc")]
    assert [classes(flip, choices) for flip in FLIPS] == ["r1 b1", "r1 b2", "r2 b1"]


def test_every_option_has_a_rule_and_no_name_gets_into_the_style_sheet() -> None:
    style = rules(filters(FLIPS))
    assert style.count(":checked") == 4
    assert '#flips-by-recipe [value="2"]:checked) .flip:not(.r2)' in style
    assert "evil" not in style
    assert "mmlu" not in style
    assert rules(filters([])) == ""
