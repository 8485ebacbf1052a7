"""Numbers in a reason: points for rates, nats per token for language modelling, percent for levels."""

from __future__ import annotations

import pytest

from pytest_unicomp.compare import NATS, wording
from pytest_unicomp.config.margins import Margin


def test_a_difference_has_its_sign_and_unit():
    assert wording.amount(-0.163, "acc", signed=True) == "-16.3 points"
    assert wording.amount(0.05, "acc") == "5.0 points"
    assert wording.amount(0.0312, NATS) == "0.031 nats per token"
    assert wording.interval(-0.163, -0.204, -0.128, "acc", 0.9) == "-16.3 points (90 % interval -20.4 to -12.8)"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (0.05, "4.0 points"),
        ("5%", "5 % of the reference (4.0 points here)"),
        ("1.2x errors", "1.2 times the reference's errors (4.0 points more here)"),
    ],
)
def test_a_relative_margin_shows_what_it_is_here(written, text):
    assert wording.limit(Margin.of(written), 0.04, "acc") == text


@pytest.mark.parametrize(
    ("items", "text"), [(None, "no number of items"), (1_000_001, "over a million"), (412, "about 412 items would decide")]
)
def test_how_many_items_would_decide_is_a_clause(items, text):
    assert text in wording.would_decide(items)


def test_a_level_is_a_percentage_or_an_amount_in_its_own_unit():
    assert [wording.level(0.25, metric) for metric in ("acc", wording.PLAIN, "nats_per_token")] == [
        "25.0 %",
        "0.250",
        "0.250 nats per token",
    ]
