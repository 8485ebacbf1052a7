"""Recipes against each other: who is better, who cannot be told apart, and the ranks that follow."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.compare import NATS, Policy, rankings, stats
from tests.compare.toy_pairs import with_items
from tests.toys import measurement

ITEMS = 300


def answers(right, n=ITEMS):
    return [1.0] * right + [0.0] * (n - right)


def field(**right):
    """Recipes with so many right answers each, on the same items of one benchmark."""
    return {name.replace("_", "-"): {"toy": measurement(answers(count), artifact=name)} for name, count in right.items()}


def ranked(measured, **policy):
    (found,) = rankings(measured, policy=Policy(**policy))
    return found


def test_a_recipe_that_loses_much_is_last_and_equal_ones_share_their_ranks():
    found = ranked(field(gptq=290, awq=291, wanda=60))
    assert [(one.recipe, one.ranks) for one in found.recipes] == [("awq", (1, 2)), ("gptq", (1, 2)), ("wanda", (3, 3))]
    assert {(pair.first, pair.second): pair.better for pair in found.pairs} == {
        ("gptq", "awq"): None,
        ("gptq", "wanda"): "gptq",
        ("awq", "wanda"): "awq",
    }


def test_a_difference_is_first_minus_second_and_positive_if_the_first_is_better():
    (pair,) = ranked(field(good=280, bad=100)).pairs
    assert pair.difference == pytest.approx(0.6)
    assert 0 < pair.interval[0] < pair.difference < pair.interval[1]


def test_fewer_errors_are_better():
    worse = {name: {"toy": one["toy"].model_copy(update={"higher_is_better": False})} for name, one in field(few=10, many=200).items()}
    found = ranked(worse)
    assert [one.recipe for one in found.recipes] == ["few", "many"]
    assert found.pairs[0].better == "few"
    assert found.recipes[0].value == pytest.approx(290 / 300)


def test_nats_are_ranked_apart_from_rates_and_the_fewest_come_first():
    both = field(good=280, bad=100)
    for name, loss in (("good", 1.0), ("bad", 1.5)):
        losses = [loss + 0.01 * (place % 7) for place in range(ITEMS)]
        text = measurement(losses, artifact=name, benchmark="text").model_copy(
            update={"metric": NATS, "higher_is_better": False, "chance": None}
        )
        both[name]["text"] = text
    found = {one.unit: one for one in rankings(both, policy=Policy())}
    assert {unit: [row.recipe for row in one.recipes] for unit, one in found.items()} == {"rate": ["good", "bad"], NATS: ["good", "bad"]}
    assert found[NATS].pairs[0].better == "good"
    assert found[NATS].recipes[0].value == pytest.approx(1.03, abs=0.01)


def test_benchmarks_of_a_capability_weigh_the_same():
    measured = field(one=150, other=150)
    for name, right in (("one", 40), ("other", 20)):
        measured[name]["small"] = measurement(answers(right, 40), artifact=name, benchmark="small")
    found = ranked(measured)
    assert found.pairs[0].difference == pytest.approx((0.0 + 0.5) / 2)
    assert (found.n, found.benchmarks) == (340, ["small", "toy"])


def test_a_recipe_that_lacks_a_benchmark_is_left_out_by_name():
    measured = field(one=150, other=100, third=140)
    for name in ("one", "other"):
        measured[name]["more"] = measurement(answers(20, 40), artifact=name, benchmark="more")
    found = ranked(measured)
    assert found.left_out == {"third": "no scores on more"}
    assert {one.recipe for one in found.recipes} == {"one", "other"}


def test_a_recipe_that_saw_other_prompts_is_left_out_with_the_field_that_differs():
    measured = field(one=150, other=100, third=140)
    conditions = measured["third"]["toy"].conditions.model_copy(update={"shots": 5})
    measured["third"]["toy"] = measured["third"]["toy"].model_copy(update={"conditions": conditions})
    assert ranked(measured).left_out == {"third": "not comparable on toy: shots is 0 in the one and 5 in the third"}


def test_a_recipe_that_was_asked_fewer_items_is_left_out_whichever_comes_first():
    measured = field(one=150, other=100)
    short = measurement(answers(50, 100), artifact="short")
    for order in ({"short": {"toy": short}, **measured}, {**measured, "short": {"toy": short}}):
        found = rankings(order, policy=Policy())
        assert all(pair.first != "short" and pair.second != "short" for one in found for pair in one.pairs)


def odd(measured, name, **conditions):
    own = measured[name]["toy"]
    return {"toy": own.model_copy(update={"conditions": own.conditions.model_copy(update=conditions)})}


@pytest.mark.parametrize("place", [0, 1, 3])
def test_one_odd_recipe_is_left_out_wherever_it_stands(place):
    measured = field(one=150, other=100, third=140, odd=120)
    rows = [(name, own) for name, own in measured.items() if name != "odd"]
    rows.insert(place, ("odd", odd(measured, "odd", shots=5)))
    found = ranked(dict(rows))
    assert {one.recipe for one in found.recipes} == {"one", "other", "third"}
    assert found.left_out == {"odd": "not comparable on toy: shots is 0 in the one and 5 in the odd"}


def test_recipes_that_were_asked_in_two_ways_have_a_ranking_each():
    measured = field(one=150, few_one=290, other=100, few_other=60)
    measured = {name: odd(measured, name, shots=5) if name.startswith("few") else own for name, own in measured.items()}
    found = rankings(measured, policy=Policy())
    assert [[row.recipe for row in one.recipes] for one in found] == [["one", "other"], ["few-one", "few-other"]]
    assert [sorted(one.left_out) for one in found] == [["few-one", "few-other"], ["one", "other"]]
    # Holm counts the pairs of both.
    assert all(len(one.pairs) == 1 and one.pairs[0].better for one in found)


def test_a_first_recipe_with_another_benchmark_does_not_hide_the_others():
    measured = field(wide=150, one=140, other=100)
    measured["wide"]["more"] = measurement(answers(20, 40), artifact="wide", benchmark="more")
    found = ranked(measured)
    assert {one.recipe for one in found.recipes} == {"one", "other"}
    assert found.left_out == {"wide": "scores on more too, which the others lack"}


def test_the_same_weights_are_never_told_apart():
    measured = {name: {"toy": measurement(answers(right), artifact="same")} for name, right in (("one", 290), ("again", 100))}
    (pair,) = ranked(measured).pairs
    assert (pair.difference, pair.interval, pair.better) == (0.0, (0.0, 0.0), None)


def test_one_recipe_alone_has_no_ranking():
    assert rankings(field(alone=100), policy=Policy()) == []


def test_many_pairs_need_a_larger_difference_than_one():
    # 9 lost, 1 gained of 300: enough for one pair at two-sided 5 %, not for one of 45.
    before, after = answers(150), answers(150)
    for place in range(9):
        after[place] = 0.0
    after[299] = 1.0
    two = {"better": {"toy": measurement(before, artifact="b")}, "worse": {"toy": measurement(after, artifact="w")}}
    many = two | {f"equal-{place}": {"toy": measurement(before, artifact=f"e{place}")} for place in range(8)}
    assert ranked(two).pairs[0].better == "better"
    assert ranked(many).pairs[0].better is None


def test_what_was_told_apart_leaves_more_room_for_the_rest():
    # Holm: of three pairs the two clear ones leave the third to be tested alone.
    before, after = answers(150), answers(150)
    for place in range(8):
        after[place] = 0.0
    after[299] = 1.0
    three = {
        "better": {"toy": measurement(before, artifact="b")},
        "worse": {"toy": measurement(after, artifact="w")},
        "last": {"toy": measurement(answers(0), artifact="l")},
    }
    alone = ranked({name: three[name] for name in ("better", "worse")}).pairs[0].better
    found = {(pair.first, pair.second): pair.better for pair in ranked(three).pairs}
    assert (alone, found["better", "worse"]) == ("better", "better")


@given(st.lists(st.integers(0, 40), min_size=2, max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_ranks_follow_from_the_pairs_and_do_not_depend_on_the_order(right, shuffled):
    measured = {f"r{place}": {"toy": measurement(answers(count, 40), artifact=f"a{place}")} for place, count in enumerate(right)}
    names = list(measured)
    shuffled.shuffle(names)
    found, again = ranked(measured), ranked({name: measured[name] for name in names})
    assert {one.recipe: one.ranks for one in found.recipes} == {one.recipe: one.ranks for one in again.recipes}
    for one in found.recipes:
        better = [pair.better for pair in found.pairs if one.recipe in (pair.first, pair.second) and pair.better]
        above = sum(name != one.recipe for name in better)
        assert one.ranks == (1 + above, len(right) - better.count(one.recipe))
        assert 1 <= one.ranks[0] <= one.ranks[1] <= len(right)


@pytest.mark.slow
def test_equal_recipes_are_told_apart_in_at_most_alpha_of_the_runs():
    # Five equal recipes, each answering 70 % right independently of the others: ten pairs a run.
    drawn = random.Random(5)
    runs, wrong = 200, 0
    for _ in range(runs):
        measured = {
            f"r{place}": {"toy": measurement([float(drawn.random() < 0.7) for _ in range(120)], artifact=f"a{place}")} for place in range(5)
        }
        wrong += any(pair.better for pair in ranked(measured).pairs)
    # Three standard errors above 5 %.
    assert wrong / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


@pytest.mark.parametrize("kind", ["one cluster", "one text"])
def test_a_pair_whose_uncertainty_is_not_known_is_shown_and_never_told_apart(kind):
    measured = field(good=290, bad=10) if kind == "one cluster" else {}
    for one in measured.values():
        one["toy"] = with_items(one["toy"], lambda items: [each.model_copy(update={"cluster": "same"}) for each in items])
    for name, loss in (("good", 1.0), ("bad", 1.5)) if kind == "one text" else ():
        text = measurement([loss], artifact=name, benchmark="text")
        measured[name] = {"text": text.model_copy(update={"metric": NATS, "higher_is_better": False, "chance": None})}
    found = ranked(measured)
    (pair,) = found.pairs
    assert (pair.interval, pair.better) == (None, None)
    assert pair.difference > 0
    assert [(row.recipe, row.ranks) for row in found.recipes] == [("good", (1, 2)), ("bad", (1, 2))]


def test_a_recipe_with_no_right_answer_has_the_value_nothing_and_two_benchmarks_their_mean():
    measured = field(good=300, bad=0)
    for name, right in (("good", 20), ("bad", 0)):
        measured[name]["small"] = measurement(answers(right, 40), artifact=name, benchmark="small")
    assert [(one.recipe, one.value) for one in ranked(measured).recipes] == [("good", pytest.approx((1.0 + 0.5) / 2)), ("bad", 0.0)]


def test_all_benchmarks_that_a_recipe_lacks_are_named():
    measured = field(one=150, other=100, third=140)
    for name in ("one", "other"):
        measured[name] |= {more: measurement(answers(20, 40), artifact=name, benchmark=more) for more in ("less", "more")}
    assert ranked(measured).left_out == {"third": "no scores on less, more"}


@pytest.mark.parametrize("shorter", ["first", "last"])
def test_a_recipe_with_fewer_items_than_the_others_is_left_out_wherever_it_stands(shorter):
    measured = field(first=150, middle=140, last=130)
    whole = measured[shorter]["toy"]
    conditions = whole.conditions.model_copy(update={"limit": 100})
    measured[shorter] = {"toy": whole.model_copy(update={"items": whole.items[:100], "conditions": conditions})}
    found = ranked(measured)
    assert list(found.left_out) == [shorter]
    assert found.left_out[shorter].startswith("not comparable on toy: ")


@pytest.mark.parametrize("better", ["before", "after"])
def test_three_pairs_are_told_apart_at_a_sixth_of_alpha(better):
    counts = {"one": 290, "two": 290, "other": 280} if better == "before" else {"one": 280, "two": 290, "other": 290}
    before, after = answers(290), answers(280)
    level = stats.paired_difference(before, after, alpha=0.05, margin=0.0).p_value
    told, doubtful = (ranked(field(**counts), alpha=share * level) for share in (6.5, 5.5))
    assert sorted(pair.better for pair in told.pairs if pair.better) == (["one", "two"] if better == "before" else ["other", "two"])
    assert [pair.better for pair in doubtful.pairs] == [None] * 3


def test_all_benchmarks_that_only_one_recipe_has_are_named():
    measured = field(one=150, other=100, wide=140)
    measured["wide"] |= {more: measurement(answers(20, 40), artifact="wide", benchmark=more) for more in ("less", "more")}
    assert ranked(measured).left_out == {"wide": "scores on less, more too, which the others lack"}
