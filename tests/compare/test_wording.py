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
    ("items", "text"),
    [
        (None, "the difference equals the margin, so no number of items decides"),
        (1_000_001, "the difference is so close to the margin that a decision needs over a million items"),
        (1_000_000, "about 1000000 items would decide (80 % power) if the difference stays the same"),
        (1, "about 1 item would decide (80 % power) if the difference stays the same"),
    ],
)
def test_how_many_items_would_decide_is_a_clause(items, text):
    assert wording.would_decide(items) == text


def test_a_level_is_a_percentage_or_an_amount_in_its_own_unit():
    assert [wording.level(0.25, metric) for metric in ("acc", wording.PLAIN, "nats_per_token")] == [
        "25.0 %",
        "0.250",
        "0.250 nats per token",
    ]


def test_an_interval_in_other_units_has_three_decimals():
    assert wording.interval(-0.2, -0.25, -0.15, NATS, 0.9) == "-0.200 nats per token (90 % interval -0.250 to -0.150)"
    assert wording.interval(-0.2, -0.25, -0.15, wording.PLAIN, 0.95) == "-0.200 (95 % interval -0.250 to -0.150)"
