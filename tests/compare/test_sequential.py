"""Early stopping of a retention check: what it decides, on how many items, and that it cannot be talked into another answer."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Reply
from pytest_unicomp.compare import Policy, fixed_order, retention, sequential_retention, stats
from pytest_unicomp.compare.replies import damage
from pytest_unicomp.config.margins import Margin
from tests.toys import measurement

POLICY = Policy(benchmark_margin=0.05)
WHO = {"recipe": "toy", "family": "pruning", "gates": True}


def sides(n, *, lost, gained, right=0.7, seed=1, clusters=0):
    random = np.random.default_rng(seed)
    before = random.random(n) < right
    draw = random.random(n)
    after = np.where(before, draw >= lost / right, draw < gained / (1 - right))
    records = []
    for scores, name in ((before, "a" * 8), (after, "b" * 8)):
        found = measurement([float(score) for score in scores], artifact=name)
        if clusters:
            items = [item.model_copy(update={"cluster": str(place % clusters)}) for place, item in enumerate(found.items)]
            found = found.model_copy(update={"items": items})
        records.append(found)
    return records


def part(reference, candidate, count):
    """The candidate's first items in the fixed order, as an evaluation that was cut there would hold them."""
    known = {item.id: item for item in candidate.items}
    items = [known[item.id] for item in fixed_order(reference.items, seed=0)[:count]]
    conditions = candidate.conditions.model_copy(update={"limit": count})
    return candidate.model_copy(update={"items": items, "conditions": conditions})


def looked(reference, candidate, *, step=50, policy=POLICY, **options):
    for count in range(step, len(reference.items) + 1, step):
        check = sequential_retention(reference, part(reference, candidate, count), **WHO, policy=policy, **options)
        if check is not None:
            return check, count
    raise AssertionError("the full set must always give a check")


@pytest.mark.parametrize(
    ("lost", "gained", "verdict", "most"), [(0.02, 0.02, "pass", 600), (0.2, 0.01, "fail", 300), (0.06, 0.01, "inconclusive", 2000)]
)
def test_a_clear_answer_stops_early_and_a_doubtful_one_uses_every_item(lost, gained, verdict, most):
    check, evaluated = looked(*sides(2000, lost=lost, gained=gained))
    assert check.verdict == verdict
    assert evaluated <= most
    assert check.n <= evaluated
    low, high = check.interval
    assert (low > -check.margin, high < -check.margin) == (verdict == "pass", verdict == "fail")
    assert ("stopped after" in check.reason) == (verdict != "inconclusive")


def test_looking_in_steps_or_at_once_gives_the_same_answer():
    reference, candidate = sides(1000, lost=0.02, gained=0.02)
    (often, _), (once, _) = looked(reference, candidate, step=10), looked(reference, candidate, step=1000)
    assert (often.n, often.interval, often.verdict) == (once.n, once.interval, once.verdict)


@pytest.mark.parametrize("margin", ["8%", "1.3x errors"])
def test_margins_that_depend_on_the_reference_stop_early_too(margin):
    check, _ = looked(*sides(2000, lost=0.01, gained=0.01), policy=Policy(benchmark_margin=margin))
    assert check.verdict == "pass"
    assert check.n < 1000
    assert check.interval[0] > -check.margin
    assert check.margin == pytest.approx({"8%": 0.08 * 0.7, "1.3x errors": 0.3 * 0.3}[margin], abs=0.03)


def test_clusters_are_taken_whole():
    reference, candidate = sides(1000, lost=0.01, gained=0.01, clusters=200)
    check, evaluated = looked(reference, candidate, step=5)
    assert check.verdict == "pass"
    assert check.n % 5 == 0
    assert check.n == evaluated < 1000


def test_items_chosen_by_hand_are_refused():
    reference, candidate = sides(500, lost=0.02, gained=0.02)
    chosen = part(reference, candidate, 100)
    wrong = chosen.model_copy(update={"items": [item for item in candidate.items if item not in chosen.items][:100]})
    with pytest.raises(UnicompError, match="not the first of the fixed order"):
        sequential_retention(reference, wrong, **WHO, policy=POLICY)


def test_a_reference_at_chance_is_told_before_many_items_are_spent():
    reference, candidate = sides(1000, lost=0.1, gained=0.1, right=0.26)
    reference, candidate = (side.model_copy(update={"chance": 0.25}) for side in (reference, candidate))
    check, evaluated = looked(reference, candidate)
    assert (check.verdict, evaluated) == ("inconclusive", 50)
    assert "at chance" in check.reason


def test_the_order_has_the_prefix_property_and_follows_the_seed():
    items = measurement([1.0] * 60).items
    order = [item.id for item in fixed_order(items, seed=3)]
    assert [item.id for item in fixed_order(reversed(items), seed=3)] == order
    assert [item.id for item in fixed_order(items, seed=4)] != order
    assert [item.id for item in fixed_order([item for item in items if item.id in order[:20]], seed=3)] == order[:20]


def test_the_order_is_that_of_hashes_of_seed_and_name_with_clusters_together():
    def place(name):
        return hashlib.sha256(f"3:{name}".encode()).hexdigest()

    items = measurement([1.0] * 30).items
    assert fixed_order(items, seed=3) == sorted(items, key=lambda one: place(f"item {one.id}"))
    grouped = [one.model_copy(update={"cluster": str(number % 4)}) for number, one in enumerate(items)]
    expected = sorted(grouped, key=lambda one: (place(f"cluster {one.cluster}"), place(one.id)))
    assert fixed_order(grouped, seed=3) == expected
    # An id that is no valid text, as a damaged file may hold, has its place too.
    broken = [items[0].model_copy(update={"id": "\ud800"}), *items[1:]]
    assert sorted(one.id for one in fixed_order(broken, seed=3)) == sorted(one.id for one in broken)


def test_the_reason_says_when_it_stopped_or_that_it_could_not():
    early, _ = looked(*sides(2000, lost=0.02, gained=0.02))
    assert f"; stopped after {early.n} of 2000 items; {early.n} items, " in early.reason
    assert early.reason.endswith(f"; interval: betting confidence sequence, {early.n} steps")
    late, _ = looked(*sides(2000, lost=0.06, gained=0.01), step=2000)
    assert "; not decided early: all 2000 items were evaluated, at 20 % of alpha; 2000 items, " in late.reason
    assert (early.question, early.recipe, early.family, early.gates) == ("retention", "toy", "pruning", True)


def test_what_needs_no_look_is_returned_at_once():
    reference, candidate = sides(400, lost=0.02, gained=0.02)
    few = part(reference, candidate, 10)
    same = few.model_copy(update={"artifact": reference.artifact})
    assert sequential_retention(reference, same, **WHO, policy=POLICY).reason.startswith("identical weights")
    other = few.model_copy(update={"metric": "f1"})
    found = sequential_retention(reference, other, **WHO, policy=POLICY)
    assert found.verdict == "not_comparable"
    assert "metric is 'acc' in the reference and 'f1' in the candidate" in found.reason


def test_scores_without_a_bound_are_decided_on_all_items_as_without_early_stopping():
    reference, candidate = sides(100, lost=0.0, gained=0.0)
    scaled = [
        side.model_copy(update={"chance": None, "items": [one.model_copy(update={"score": 100 * one.score}) for one in side.items]})
        for side in (reference, candidate)
    ]
    assert sequential_retention(scaled[0], part(*scaled, 50), **WHO, policy=POLICY) is None
    whole = part(*scaled, 100)
    assert sequential_retention(scaled[0], whole, **WHO, policy=POLICY) == retention(
        scaled[0], whole, **WHO, policy=POLICY, identical=False
    )


def test_a_margin_of_its_own_replaces_that_of_the_benchmark():
    reference, candidate = sides(2000, lost=0.02, gained=0.02)
    wide, _ = looked(reference, candidate, margin=Margin.of(0.2))
    narrow, _ = looked(reference, candidate)
    assert (wide.margin, narrow.margin) == (pytest.approx(0.2), pytest.approx(0.05))
    assert wide.n < narrow.n


def test_what_is_kept_above_chance_is_told_with_an_early_answer():
    reference, candidate = (side.model_copy(update={"chance": 0.25}) for side in sides(2000, lost=0.02, gained=0.02))
    check, _ = looked(reference, candidate)
    assert check.chance_corrected_retention == pytest.approx((check.candidate.value - 0.25) / (check.reference.value - 0.25))
    assert looked(*sides(2000, lost=0.02, gained=0.02))[0].chance_corrected_retention == pytest.approx(check.retention)


def test_items_out_of_order_are_refused_with_what_was_expected():
    reference, candidate = sides(50, lost=0.1, gained=0.1)
    first = {one.id for one in fixed_order(reference.items, seed=0)[:10]}
    wrong = [one for one in candidate.items if one.id not in first][:10]
    chosen = part(reference, candidate, 10).model_copy(update={"items": wrong})
    with pytest.raises(
        UnicompError,
        match=r"^unicomp: the 10 items of toy evaluated so far are not the first of the fixed order \(seed 0\); "
        r"expected the first of fixed_order\(reference\.items, seed=0\)\.$",
    ):
        sequential_retention(reference, chosen, **WHO, policy=POLICY)


def test_a_run_that_stopped_early_does_not_look_for_damaged_replies():
    both = sides(600, lost=0, gained=0)
    replied = [
        one.model_copy(
            update={
                "items": [each.model_copy(update={"replies": [Reply(answer="4", score=each.score, looping=loops)]}) for each in one.items]
            }
        )
        for one, loops in zip(both, (False, True), strict=True)
    ]
    (early, _), whole = looked(*replied), retention(*replied, **WHO, policy=POLICY, identical=False)
    assert early.n < whole.n
    assert early.replies.looping.difference == whole.replies.looping.difference == 1
    assert damage({"toy": early.replies}, alpha=0.05) == []
    assert damage({"toy": whole.replies}, alpha=0.05) == ["of the replies to toy 100 % repeat themselves to the end (reference 0 %)"]


def at_once(reference, candidate, policy=POLICY):
    """The check of a look at all items, which stops where looks in between would have."""
    return sequential_retention(reference, part(reference, candidate, len(reference.items)), **WHO, policy=policy)


@pytest.mark.parametrize("margin", [0.05, "8%"])
def test_an_early_answer_rests_on_the_first_items_of_the_order_and_on_no_other(margin):
    reference, candidate = sides(600, lost=0.0, gained=0.0)
    check = at_once(reference, candidate, Policy(benchmark_margin=margin))
    first = [one.score for one in fixed_order(reference.items, seed=0)[: check.n]]
    assert (check.verdict, check.n < 300) == ("pass", True)
    assert check.reference.value == check.candidate.value == pytest.approx(sum(first) / check.n)
    assert check.margin == pytest.approx(margin if margin == 0.05 else 0.08 * check.reference.value)


def test_clusters_that_lie_apart_in_the_file_are_bet_on_as_one():
    reference, candidate = sides(600, lost=0.0, gained=0.0, clusters=150)
    check = at_once(reference, candidate)
    assert "; stopped after " in check.reason
    assert (check.n % 4, check.n < 600) == (0, True)
    assert check.reason.endswith(f"; interval: betting confidence sequence, {check.n // 4} steps")
    assert f"; {check.n} items, 0.0 % of them scored differently; " in check.reason
    assert check.n > at_once(*sides(600, lost=0.0, gained=0.0)).n


def test_items_that_neither_side_could_score_are_not_waited_for():
    reference, candidate = sides(40, lost=0.0, gained=0.0)
    without = [
        side.model_copy(
            update={"items": [one.model_copy(update={"score": None}) if place < 3 else one for place, one in enumerate(side.items)]}
        )
        for side in (reference, candidate)
    ]
    check = at_once(*without)
    assert check.n == 37
    assert "; not decided early: all 40 items were evaluated, at 20 % of alpha; 37 items, " in check.reason
    assert f"about {stats.items_to_decide(0.5 / 38, 0.05, difference=0.0, alpha=0.05)} items would decide (80 % power)" in check.reason
    assert sequential_retention(without[0], part(*without, 39), **WHO, policy=POLICY) is None


@pytest.mark.parametrize("name", ["toy", "acc"])
def test_an_exception_by_benchmark_or_metric_holds_for_early_answers_too(name):
    assert at_once(*sides(40, lost=0.0, gained=0.0), Policy(margins={name: 0.2})).margin == pytest.approx(0.2)


def test_a_chance_level_is_kept_for_the_items_of_an_early_answer():
    reference, candidate = (side.model_copy(update={"chance": 0.25}) for side in sides(600, lost=0.0, gained=0.0))
    assert at_once(reference, candidate).chance_corrected_retention == pytest.approx(1.0)


def test_a_larger_cluster_that_is_still_to_come_makes_each_of_the_others_worth_less():
    reference, candidate = sides(600, lost=0.0, gained=0.0, clusters=300)
    *_, late, last = dict.fromkeys(one.cluster for one in fixed_order(reference.items, seed=0))
    merged = [
        side.model_copy(update={"items": [one.model_copy(update={"cluster": last}) if one.cluster == late else one for one in side.items]})
        for side in (reference, candidate)
    ]
    even, uneven = at_once(reference, candidate), at_once(*merged)
    assert even.n < uneven.n < 600
