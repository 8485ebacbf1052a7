"""Flips: which items count as lost, gained and changed, and what the examples show."""

from __future__ import annotations

import pytest

from pytest_unicomp.compare import with_floor
from pytest_unicomp.compare.comparability import paired
from pytest_unicomp.compare.flips import EXAMPLE_CHARACTERS, cut, examples, kinds
from pytest_unicomp.store.baselines import condense
from tests.compare.toy_pairs import drifted, rates, retained, with_items
from tests.toys import measurement


def test_examples_show_losses_first_and_cut_long_texts():
    before, after = rates(3, 9, 100)
    candidate = with_items(
        measurement(after, artifact="b"), lambda items: [item.model_copy(update={"answer": "x" * 900}) for item in items]
    )
    examples = retained(measurement(before), candidate).examples
    assert [example.kind for example in examples] == ["lost"] * 3 + ["gained"] * 5
    assert len(examples[0].candidate_answer) == 600
    assert examples[0].prompt.startswith("question toy/")


def test_wrong_before_and_after_with_another_answer_is_a_changed_flip():
    reference = measurement([0.0, 0.0, 1.0], answers=["A", "A", "B"])
    candidate = measurement([0.0, 0.0, 1.0], answers=["C", "A", "C"], artifact="b")
    assert retained(reference, candidate).flips.changed == 1


def test_long_answers_that_were_stored_shortened_are_still_the_same_answers():
    long = ["wrong " * 100] * 30
    fresh = measurement([0.0] * 30, answers=long)
    stored = condense(fresh)
    assert retained(stored, fresh.model_copy(update={"artifact": "b"})).flips.changed == 0
    assert drifted(stored, fresh).reason.startswith("identical evidence")
    other = measurement([0.0] * 30, answers=[f"{text}!" for text in long], artifact="b")
    assert retained(stored, other).flips.changed == 30


def test_flips_that_the_reference_makes_alone_are_their_floor():
    before, after = rates(10, 2, 100)
    reference = measurement(before)
    check = with_floor(retained(reference, measurement(after, artifact="b")), measurement([0.0, *before[1:]]), reference)
    assert check.flips.floor == 0.01
    other = measurement(before)
    elsewhere = other.model_copy(update={"conditions": other.conditions.model_copy(update={"dtype": "bfloat16"})})
    assert with_floor(retained(reference, measurement(after, artifact="b")), elsewhere, reference).flips.floor is None


def test_a_baseline_run_with_another_limit_still_has_a_floor():
    before, after = rates(10, 2, 100)
    reference = measurement(before)
    check = retained(reference, measurement(after, artifact="b"))
    shorter = measurement([0.0, *before[1:50]])
    shorter = shorter.model_copy(update={"conditions": shorter.conditions.model_copy(update={"limit": 50})})
    assert with_floor(check, shorter, reference).flips.floor == 0.02
    # Items with other prompts are other items.
    elsewhere = with_items(measurement(before), lambda items: [one.model_copy(update={"prompt_digest": "0" * 16}) for one in items])
    assert with_floor(check, elsewhere, reference) is check
    assert with_floor(check.model_copy(update={"flips": None}), shorter, reference).flips is None


def kinds_of(before, after):
    found = kinds(paired(before, after), after)
    return None if found is None else [(kind, one.id) for kind, (one, _) in found]


def test_scores_that_are_neither_right_nor_wrong_have_no_flips():
    whole = measurement([1.0, 0.0])
    assert kinds_of(whole, measurement([0.0, 1.0])) == [("lost", "toy/0"), ("gained", "toy/1")]
    assert kinds_of(measurement([1.0, 0.5]), whole) is None
    assert kinds_of(whole, measurement([1.0, 0.5])) is None
    # A loss of 0 or 1 nats is a measurement like any other, not right or wrong.
    assert kinds_of(*(side.model_copy(update={"metric": "nats_per_token"}) for side in (whole, measurement([0.0, 1.0])))) is None


def test_where_less_is_better_a_score_of_one_is_the_wrong_one():
    harmful = {"higher_is_better": False}
    before = measurement([0.0, 1.0, 1.0, 0.0], answers=["no", "yes", "yes", "no"]).model_copy(update=harmful)
    after = measurement([1.0, 0.0, 1.0, 0.0], answers=["yes", "no", "sure", "never"]).model_copy(update=harmful)
    # Wrong before and after in other words is changed; right before and after in other words is right.
    assert kinds_of(before, after) == [("lost", "toy/0"), ("gained", "toy/1"), ("changed", "toy/2")]


@pytest.mark.parametrize(("length", "shown"), [(EXAMPLE_CHARACTERS - 1, "x"), (EXAMPLE_CHARACTERS, "x"), (EXAMPLE_CHARACTERS + 1, "…")])
def test_a_text_is_cut_only_if_it_is_longer_than_an_example_may_be(length, shown):
    text = cut("x" * length)
    assert len(text) == min(length, EXAMPLE_CHARACTERS)
    assert text[-1] == shown


@pytest.mark.parametrize("without", ["before", "after"])
def test_an_example_shows_prompt_and_target_of_the_side_that_has_them(without):
    before, after = measurement([1.0]).items[0], measurement([0.0]).items[0]
    full = {"prompt": "question", "target": "answer"}
    sides = {"before": before.model_copy(update=full), "after": after.model_copy(update=full)}
    sides[without] = sides[without].model_copy(update={"prompt": "", "target": ""})
    (shown,) = examples([("lost", (sides["before"], sides["after"]))])
    assert (shown.prompt, shown.target) == ("question", "answer")
