"""Measurements under different conditions, or of different items, are refused with both values."""

from __future__ import annotations

import pytest

from tests.compare.toy_pairs import changed, drifted, retained, with_items
from tests.toys import measurement

SCORES = [1.0] * 150 + [0.0] * 50


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record: changed(record, shots=5), "shots is 0 in the reference and 5 in the candidate"),
        (lambda record: changed(record, engine="vllm"), "engine is 'toy' in the reference and 'vllm'"),
        (lambda record: changed(record, dtype="bfloat16"), "dtype"),
        (lambda record: changed(record, template="chatml"), "template"),
        (lambda record: changed(record, generation={"maximum": 3}), "generation"),
        (lambda record: record.model_copy(update={"metric": "acc_norm"}), "metric is 'acc'"),
        (lambda record: with_items(record, lambda items: items[:-1]), "missing: toy/199"),
        (lambda record: with_items(record, lambda items: [*items, items[0]]), "more than once in the candidate: toy/0"),
        (lambda record: with_items(record, lambda items: []), "the candidate has no items"),
        (
            lambda record: with_items(record, lambda items: [*items[:-1], items[-1].model_copy(update={"id": "new"})]),
            "missing in the reference: new",
        ),
        (
            lambda record: with_items(record, lambda items: [items[0].model_copy(update={"prompt_digest": "0"}), *items[1:]]),
            "prompt_digest of item toy/0",
        ),
        (
            lambda record: with_items(record, lambda items: [items[0].model_copy(update={"score": None}), *items[1:]]),
            "1 item with a score in the reference but none in the candidate: toy/0",
        ),
        (lambda record: with_items(changed(record, limit=100), lambda items: items[:99]), "99 items, expected 100 (limit 100)"),
    ],
)
def test_what_differs_makes_both_questions_not_comparable(change, words):
    reference, candidate = measurement(SCORES), change(measurement(SCORES, artifact="b"))
    check = retained(reference, candidate, identical=True)
    assert check.verdict == "not_comparable"
    assert words in check.reason
    assert drifted(reference, candidate).verdict == "not_comparable"


def test_no_scored_item_at_all_is_not_comparable():
    check = retained(measurement([None, None]), measurement([None, None]))
    assert (check.verdict, check.reason) == ("not_comparable", "not comparable: none of the 2 items has a score")


def test_a_smaller_limit_compares_on_the_items_it_has():
    part = with_items(changed(measurement(SCORES, artifact="b"), limit=100), lambda items: items[:100])
    check = retained(measurement(SCORES), part)
    assert (check.verdict, check.n, check.reference.value) == ("pass", 100, 1.0)
    assert drifted(measurement(SCORES), part).verdict == "pass"
    assert retained(part, measurement(SCORES)).verdict == "not_comparable"


def test_what_is_missing_is_named_up_to_three_and_then_counted():
    whole = measurement([1.0] * 12)

    def reason(kept):
        return retained(whole, with_items(measurement([1.0] * 12, artifact="b"), lambda items: items[:kept])).reason

    assert reason(11).endswith("the candidate has 11 items, expected 12 (limit None); missing: toy/11")
    assert reason(9).endswith("missing: toy/10, toy/11, toy/9")
    assert reason(7).endswith("missing: toy/10, toy/11, toy/7 and 2 more")
    assert reason(8).endswith("missing: toy/10, toy/11, toy/8 and 1 more")


def test_a_lower_limit_on_one_side_alone_expects_no_more_than_there_is():
    few = measurement([1.0] * 5)
    assert retained(few, changed(measurement([1.0] * 5, artifact="b"), limit=100)).verdict != "not_comparable"
    short = with_items(changed(measurement([1.0] * 5, artifact="b"), limit=100), lambda items: items[:4])
    assert "has 4 items, expected 5 (limit 100)" in retained(few, short).reason
