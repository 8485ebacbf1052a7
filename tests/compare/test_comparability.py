"""Measurements under different conditions, or of different items, are refused with both values."""

from __future__ import annotations

import pytest

from pytest_unicomp.compare.comparability import mismatch, paired
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


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (lambda record: record, lambda record: changed(record, shots=5), "shots is 0 in the {0} and 5 in the {1}"),
        (
            lambda record: record,
            lambda record: record.model_copy(update={"benchmark": "x"}),
            "benchmark is 'toy' in the {0} and 'x' in the {1}",
        ),
        (
            lambda record: record,
            lambda record: record.model_copy(update={"higher_is_better": False}),
            "higher_is_better is True in the {0} and False in the {1}",
        ),
        (lambda record: with_items(record, lambda items: []), lambda record: record, "the {0} has no items"),
        (lambda record: record, lambda record: with_items(record, lambda items: []), "the {1} has no items"),
        (
            lambda record: with_items(record, lambda items: [*items, items[0]]),
            lambda record: record,
            "1 item more than once in the {0}: toy/0",
        ),
        (
            lambda record: with_items(record, lambda items: items[:-2]),
            lambda record: record,
            "2 items of the {1} missing in the {0}: toy/2, toy/3",
        ),
        (
            lambda record: with_items(record, lambda items: [items[0].model_copy(update={"score": None}), *items[1:]]),
            lambda record: record,
            "1 item with a score in the {1} but none in the {0}: toy/0",
        ),
        (
            lambda record: record,
            lambda record: with_items(record, lambda items: [items[0].model_copy(update={"prompt_digest": "0"}), *items[1:]]),
            "prompt_digest of item toy/0 is 'cc7b94372ad427b7' in the {0} and '0' in the {1}",
        ),
    ],
)
def test_the_first_difference_is_said_in_full_with_the_names_of_both_sides(first, second, said):
    whole = measurement([1.0, 0.0, 1.0, 0.0])
    assert mismatch(first(whole), second(whole)) == said.format("reference", "candidate")
    assert mismatch(first(whole), second(whole), names=("baseline", "current")) == said.format("baseline", "current")


def test_pairs_are_ordered_by_id_and_hold_what_both_sides_scored():
    before = with_items(measurement([1.0, 0.0, 1.0]), lambda items: items[::-1])
    after = with_items(measurement([1.0, None, 0.0]), lambda items: [items[2], items[0], items[1]])
    assert [(one.id, other.id, one.score, other.score) for one, other in paired(before, after)] == [
        ("toy/0", "toy/0", 1.0, 1.0),
        ("toy/2", "toy/2", 1.0, 0.0),
    ]


def test_a_limit_below_what_there_is_expects_that_many_and_the_same_limit_all():
    whole = changed(measurement([1.0] * 6), limit=6)
    part = with_items(changed(measurement([1.0] * 6), limit=4), lambda items: items[:4])
    assert mismatch(whole, part) is None
    short = with_items(part, lambda items: items[:3])
    assert mismatch(whole, short) == "the candidate has 3 items, expected 4 (limit 4); missing: toy/3, toy/4, toy/5"
    same = with_items(whole, lambda items: items[:5])
    assert mismatch(whole, same) == "the candidate has 5 items, expected 6 (limit 6); missing: toy/5"


@pytest.mark.parametrize("unscored", ["before", "after"])
def test_an_item_that_one_side_could_not_score_makes_no_pair(unscored):
    whole, part = measurement([1.0, 0.0]), measurement([1.0, None])
    found = paired(part, whole) if unscored == "before" else paired(whole, part)
    assert [one.id for one, _ in found] == ["toy/0"]
