"""The values that lm-eval's metrics hold for an item, and what becomes of them."""

from __future__ import annotations

from math import inf, log, nan

import pytest

from pytest_unicomp.cli.commands.metric_values import named, reading


@pytest.mark.parametrize(
    ("metric", "value", "score"),
    [
        ("acc", 1.0, 1.0),
        ("acc", True, 1.0),
        ("acc", "1.0", None),
        ("acc", None, None),
        ("acc", nan, None),
        ("acc", -inf, None),
        ("acc", 10**400, None),
        ("inst_level_strict_acc", [True, False], [1.0, 0.0]),
        ("inst_level_strict_acc", [], None),
        # A pair (gold, predicted) of f1, and the texts of bleu: only the whole set has a score.
        ("f1", [0, 1], None),
        ("bleu", ["a", "b"], None),
        ("perplexity", -2.5, 2.5),
        ("perplexity", 0.0, 0.0),
        ("perplexity", 2.5, None),
        ("perplexity", False, None),
        ("word_perplexity", [-30.0, 12], 2.5),
        ("byte_perplexity", [-30.0, 60], 0.5),
        ("bits_per_byte", [-30.0 * log(2), 60], 0.5),
        ("word_perplexity", [-30.0, 0], None),
        ("word_perplexity", [nan, 12], None),
        ("word_perplexity", [-30.0], None),
        ("word_perplexity", -30.0, None),
    ],
)
def test_a_value_becomes_a_score_or_none(metric, value, score):
    assert reading(metric).of(value) == (score if isinstance(score, list) else pytest.approx(score) if score is not None else None)


def test_losses_and_errors_are_better_if_lower():
    assert [reading(name).lower_is_better for name in ("acc", "perplexity", "word_perplexity", "brier_score", "wer")] == [
        False,
        True,
        True,
        True,
        True,
    ]
    assert reading("word_perplexity").name == "nats_per_word"


def test_a_plain_score_is_a_number_whatever_its_name():
    assert named("perplexity").of(12.5) == 12.5
    assert named("score").of([True]) is None
