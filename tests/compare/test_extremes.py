"""The gate at the ends of the scale: at floor, at ceiling, at chance, equal models, losses of long texts alone. Without evidence no PASS, without a loss no FAIL."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_unicomp.compare import fixed_order, pool, recipe_verdict, sequential_retention
from pytest_unicomp.compare.drift import baseline_refusal
from tests.compare.toy_pairs import POLICY, changed, drifted, retained
from tests.compare.toy_slices import check
from tests.toys import measurement


def pair(before, after, **fields):
    """Two measurements of different weights with the same answers if the scores are the same."""
    return (
        measurement(before).model_copy(update=fields),
        measurement(after, artifact="b" * 8).model_copy(update=fields),
    )


def whole(found):
    return recipe_verdict([found], policy=POLICY)[0]


@pytest.mark.parametrize("n", [20, 1000])
@pytest.mark.parametrize("chance", [0.0, 0.25, None])
def test_two_models_at_the_floor_are_undecided_however_many_items(n, chance):
    found = retained(*pair([0.0] * n, [0.0] * n, chance=chance))
    assert (found.verdict, whole(found)) == ("inconclusive", "inconclusive")
    assert "cannot show a loss" in found.reason


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_a_reference_at_the_floor_is_no_anchor_if_the_candidate_gains(scale):
    found = retained(*pair([0.0] * 400, [scale] * 40 + [0.0] * 360, chance=None))
    assert (found.verdict, whole(found)) == ("inconclusive", "inconclusive")
    assert "at the floor" in found.reason


def test_the_floor_of_an_error_rate_is_one():
    found = retained(*pair([1.0] * 400, [1.0] * 400, chance=None, higher_is_better=False))
    assert (found.verdict, whole(found)) == ("inconclusive", "inconclusive")


def test_one_right_item_lifts_a_reference_off_a_floor_that_no_guess_reaches():
    assert retained(*pair([1.0] + [0.0] * 999, [1.0] + [0.0] * 999, chance=None)).verdict == "pass"


def test_scores_in_nats_have_no_floor():
    nats = {"metric": "nats_per_token", "higher_is_better": False, "chance": None}
    assert retained(*pair([2.0] * 400, [2.001] * 400, **nats)).verdict == "pass"


def test_evidence_at_the_floor_is_no_baseline():
    before, after = pair([0.0] * 400, [0.0] * 400, chance=None)
    assert baseline_refusal(before, POLICY) is not None
    rewritten = after.model_copy(update={"items": [item.model_copy(update={"answer": "other"}) for item in after.items]})
    assert drifted(before, rewritten).verdict == "inconclusive"
    assert baseline_refusal(measurement([1.0] + [0.0] * 399).model_copy(update={"chance": None}), POLICY) is None


@pytest.mark.parametrize(("n", "verdict"), [(30, "inconclusive"), (98, "inconclusive"), (1000, "pass")])
def test_two_models_at_the_ceiling_pass_only_if_there_are_items_enough(n, verdict):
    assert whole(retained(*pair([1.0] * n, [1.0] * n, chance=0.25))) == verdict


def test_a_ceiling_of_few_clusters_shows_too_little():
    before, after = pair([1.0] * 1000, [1.0] * 1000)
    sides = [
        side.model_copy(update={"items": [item.model_copy(update={"cluster": str(place // 200)}) for place, item in enumerate(side.items)]})
        for side in (before, after)
    ]
    found = retained(*sides)
    assert whole(found) == "inconclusive"
    assert "too few clusters to decide" in found.reason


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_reference_at_chance_neither_passes_nor_fails_whatever_the_candidate_does(share):
    before = [1.0, 0.0, 0.0, 0.0] * 250
    right = round(1000 * share)
    found = retained(*pair(before, [1.0] * right + [0.0] * (1000 - right), chance=0.25))
    assert (found.verdict, whole(found), pool([found], policy=POLICY).verdict) == ("inconclusive",) * 3


def test_two_constant_answers_at_chance_are_no_hidden_danger():
    # The reference always answers A and the candidate B: each is right on its own half, and neither knows anything.
    reliable = {"dimension": "reliability", "capability": "safety", "chance": 0.5}
    before, after = pair([1.0] * 200 + [0.0] * 200, [0.0] * 200 + [1.0] * 200, **reliable)
    sides = [
        side.model_copy(
            update={"items": [item.model_copy(update={"slice": f"key {place // 200}"}) for place, item in enumerate(side.items)]}
        )
        for side in (before, after)
    ]
    guessing = retained(*sides)
    assert guessing.worst_slice.lost
    knowledge = retained(*pair([1.0] * 1000, [1.0] * 1000))
    verdict, reason, _ = recipe_verdict([knowledge, guessing], policy=POLICY)
    assert verdict == "inconclusive"
    assert "hidden danger" not in reason


def test_equal_models_seldom_raise_a_hidden_danger():
    random, alarms = np.random.default_rng(8), 0
    knowledge = retained(*pair([1.0] * 1000, [1.0] * 1000))
    for _ in range(60):
        before, after = ((random.random(300) < 0.8).astype(float).tolist() for _ in range(2))
        sides = pair(before, after, dimension="reliability", capability="safety")
        cut = [
            side.model_copy(
                update={"items": [item.model_copy(update={"slice": f"part {place % 10}"}) for place, item in enumerate(side.items)]}
            )
            for side in sides
        ]
        alarms += recipe_verdict([knowledge, retained(*cut)], policy=POLICY)[1].startswith("hidden danger")
    # At most alpha; with a probability of 0.1 % more than nine of 60.
    assert alarms <= 9


def long_texts(n, long, lost):
    """Scores of a reference that is right everywhere, and of a candidate that loops on the last `lost` of its `long` long texts."""
    return pair([1.0] * n, [1.0] * (n - lost) + [0.0] * lost, chance=0.0)


@pytest.mark.parametrize(("lost", "verdict"), [(5, "pass"), (30, "inconclusive"), (60, "fail")])
def test_a_candidate_that_loops_on_long_texts_alone_is_judged_by_what_they_lose_of_all(lost, verdict):
    assert whole(retained(*long_texts(1000, 100, lost))) == verdict


def test_looping_on_long_texts_is_a_hidden_danger_if_they_are_a_slice():
    knowledge = retained(*pair([1.0] * 1000, [1.0] * 1000))
    safety = check({9: 20}, parts=10, size=100)
    # 20 of 1,000 items are lost, all of them long: within the margin as a mean.
    assert safety.verdict == "pass"
    verdict, reason, _ = recipe_verdict([knowledge, safety], policy=POLICY)
    assert verdict == "fail"
    assert "on part 9 (100 items)" in reason


def test_a_few_long_documents_that_loop_are_undecided_in_nats():
    # The mean loss is just 0.03 nats, and five of 300 documents have all of it.
    nats = {"metric": "nats_per_token", "higher_is_better": False, "chance": None}
    found = retained(*pair([2.0] * 300, [2.0] * 295 + [3.8] * 5, **nats), policy=POLICY)
    assert found.verdict == "inconclusive"


def test_early_stopping_meets_long_texts_as_early_as_all_others():
    before, after = long_texts(1000, 100, 100)
    order = fixed_order(before.items, seed=0)
    after_by_id = {item.id: item for item in after.items}
    for n in range(50, 1001, 50):
        part = changed(after.model_copy(update={"items": [after_by_id[item.id] for item in order[:n]], "n": n}), limit=n)
        found = sequential_retention(before, part, recipe="toy", family="pruning", gates=True, policy=POLICY)
        if found is not None:
            break
    assert found.verdict == "fail"
    assert found.n < 1000


def with_options(side, options):
    return side.model_copy(update={"items": [item.model_copy(update={"log_probabilities": options}) for item in side.items]})


SURE, TIED = [-0.1, -3.0, -3.5, -4.0], [-1.4, -1.4, -1.4, -1.4]


def test_a_candidate_whose_options_all_tie_only_guesses_even_if_the_first_option_is_always_right():
    before, after = pair([1.0] * 1000, [1.0] * 1000, chance=0.25)
    found = retained(with_options(before, SURE), with_options(after, TIED))
    assert (found.verdict, whole(found)) == ("fail", "fail")
    assert found.candidate.value == pytest.approx(0.25)
    assert "all options of 1000 items tie" in found.reason


def test_two_models_whose_options_all_tie_are_at_chance():
    before, after = pair([1.0] * 1000, [1.0] * 1000, chance=0.25)
    assert whole(retained(with_options(before, TIED), with_options(after, TIED))) == "inconclusive"


def test_options_that_tie_in_part_are_scored_as_they_are():
    before, after = pair([1.0] * 1000, [1.0] * 1000, chance=0.25)
    found = retained(with_options(before, SURE), with_options(after, [-0.1, -0.1, -3.0, -3.0]))
    assert found.verdict == "pass"
    assert "tie" not in found.reason.split()
