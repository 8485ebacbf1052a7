"""Limits on replies are decided on the interval of the paired change, and never passed on what was not recorded."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.records import Reply
from pytest_unicomp.compare import Policy, hidden_danger, pool, recipe_verdict, retention
from pytest_unicomp.compare.expected import items_to_decide, spread
from pytest_unicomp.compare.replies import not_limited, replies
from pytest_unicomp.run.check_inputs import Pair
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.plan import Cell
from tests.toys import measurement

CELL = Cell("rtn", "quantization", True, "toy", "items", "performance", "knowledge", 0)
WHO = {"recipe": "rtn", "family": "quantization", "gates": True}


def replied(tokens, artifact="a" * 8, *, truncated=0, looping=0, clusters=None):
    """A measurement with one right reply per item, the first `truncated` of them cut, the first `looping` of them looping."""
    made = measurement([1.0] * len(tokens), artifact=artifact)
    items = [
        one.model_copy(
            update={
                "replies": [Reply(answer="4", score=1.0, tokens=length, truncated=place < truncated, looping=place < looping)],
                "cluster": None if clusters is None else clusters[place],
            }
        )
        for place, (one, length) in enumerate(zip(made.items, tokens, strict=True))
    ]
    return made.model_copy(update={"items": items})


def asked(before, after, **limits):
    return Checker(Policy(reply_limits=limits)).check(CELL, "reply_limits", Pair(before, after))


@pytest.mark.parametrize(
    ("factor", "verdict", "words"),
    [
        (1.1, "pass", "replies are 1.10 times as long (90 % interval 1.09 to 1.10), within the 1.25 times allowed"),
        (1.5, "fail", "replies are 1.50 times as long (90 % interval 1.46 to 1.52), more than the 1.25 times allowed"),
    ],
)
def test_the_ratio_of_lengths_has_a_limit(factor, verdict, words):
    check = asked(replied([100, 200] * 50), replied([round(100 * factor), round(200 * factor)] * 50, "b"), length_ratio=1.25)
    assert (check.verdict, check.reason, check.question, check.metric) == (verdict, words, "reply_limits", "length_ratio")
    assert (check.reference.value, check.candidate.value) == (150, pytest.approx(150 * factor))
    assert check.difference == pytest.approx(1 - factor)
    assert check.margin == 0.25
    assert check.interval[0] <= check.difference <= check.interval[1]
    assert check.evidence is not None


@pytest.mark.parametrize(
    ("cut", "verdict", "words"),
    [
        (0, "pass", "0.0 % of the replies are cut by the token limit (reference 0.0 %): +0.0 points (90 % interval "),
        (4, "inconclusive", "undecided: 2.0 % of the replies are cut by the token limit (reference 0.0 %): +2.0 points"),
        (30, "fail", "15.0 % of the replies are cut by the token limit (reference 0.0 %): +15.0 points (90 % interval "),
    ],
)
def test_a_share_has_a_limit_on_its_rise(cut, verdict, words):
    check = asked(replied([10] * 200), replied([10] * 200, "b", truncated=cut), truncated=0.02)
    assert (check.verdict, check.metric, check.margin, check.n) == (verdict, "truncated", 0.02, 200)
    assert check.reason.startswith(words)
    assert (check.reference.value, check.candidate.value, check.difference) == (0, cut / 200, -cut / 200)


def test_an_undecided_limit_says_how_many_items_would_decide():
    found = asked(replied([10] * 200), replied([10] * 200, "b", looping=2), looping=0.02)
    assert found.verdict == "inconclusive"
    items = int(found.reason.partition("about ")[2].partition(" ")[0])
    assert 200 < items < 2000
    longer = asked(replied([10, 100] * 20), replied([15, 90] * 20, "b"), length_ratio=1.25)
    assert longer.verdict == "inconclusive"
    assert "about " in longer.reason


def test_the_worst_limit_decides_and_all_are_said():
    check = asked(replied([10] * 200), replied([10] * 200, "b", truncated=30), length_ratio=1.25, truncated=0.02, looping=0.02)
    assert (check.verdict, check.metric) == ("fail", "truncated")
    assert check.reason.count(" allowed") == 3
    both = asked(replied([10] * 200), replied([30] * 200, "b", truncated=30), length_ratio=1.25, truncated=0.02)
    assert (both.verdict, both.metric) == ("fail", "length_ratio")


def test_what_was_not_recorded_is_never_a_pass():
    bare = measurement([1.0] * 200, artifact="b")
    check = asked(replied([10] * 200), bare, truncated=0.02)
    assert (check.verdict, check.reason) == ("inconclusive", "whether the token limit cut replies was not recorded of 200 of 200 items")
    whole = replied([10] * 200, "b")
    unknown = whole.items[7].model_copy(update={"replies": [Reply(answer="4", score=1.0, tokens=None, truncated=False, looping=False)]})
    one = whole.model_copy(update={"items": [*whole.items[:7], unknown, *whole.items[8:]]})
    check = asked(replied([10] * 200), one, length_ratio=1.25, truncated=0.02)
    assert (check.verdict, check.metric) == ("inconclusive", "length_ratio")
    assert check.reason.startswith("how long replies are was not recorded of 1 of 200 items; 0.0 %")


def test_other_conditions_are_not_comparable_and_what_could_not_be_measured_is_undecided():
    before, after = replied([10] * 20), replied([10] * 20, "b")
    other = after.model_copy(update={"conditions": after.conditions.model_copy(update={"seed": 1})})
    assert asked(before, other, truncated=0.02).verdict == "not_comparable"
    assert asked(before, other, truncated=0.02).evidence is None
    away = after.model_copy(update={"unavailable": "the judge was away"})
    assert (asked(before, away, truncated=0.02).verdict, asked(before, away, truncated=0.02).reason) == (
        "inconclusive",
        "the judge was away",
    )


def test_the_same_model_passes_whatever_the_items_are():
    assert asked(replied([10] * 3), replied([10] * 3), truncated=0.001).verdict == "pass"


def test_one_cluster_is_undecided():
    names = ["one"] * 50
    check = asked(replied([10] * 50, clusters=names), replied([10] * 50, "b", clusters=names), length_ratio=1.25, looping=0.02)
    assert check.verdict == "inconclusive"
    assert "of one item or cluster" in check.reason


@settings(max_examples=40)
@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.01, 0.9))
def test_a_verdict_on_a_share_is_that_of_its_interval(before, after, limit):
    one, two = replied([10] * 60, truncated=before), replied([10] * 60, "b", truncated=after)
    check = asked(one, two, truncated=limit)
    lower, upper = check.interval
    assert lower <= check.difference <= upper
    assert check.verdict == ("pass" if lower > -limit else "fail" if upper < -limit else "inconclusive")


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500)), min_size=3, max_size=30), st.floats(1.01, 3))
def test_a_verdict_on_lengths_is_that_of_their_interval(lengths, limit):
    check = asked(replied([old for old, _ in lengths]), replied([new for _, new in lengths], "b"), length_ratio=limit)
    lower, upper = (1 - end for end in check.interval[::-1])
    assert check.verdict == ("pass" if upper < limit else "fail" if lower > limit else "inconclusive")
    assert math.isclose(check.margin, limit - 1)


def kept(before, after, policy):
    return retention(before, after, **WHO, policy=policy, identical=False)


def test_a_limit_that_is_exceeded_fails_a_recipe_that_keeps_its_scores_and_is_a_hidden_danger():
    before, after = replied([10] * 300), replied([10] * 300, "b", looping=12)
    policy = Policy(reply_limits={"looping": 0.01})
    checks = [kept(before, after, policy), asked(before, after, looping=0.01)]
    verdict, reason, capabilities = recipe_verdict(checks, policy=policy)
    assert [check.verdict for check in checks] == ["pass", "fail"]
    assert verdict == "fail"
    assert reason.startswith("hidden danger: performance is kept (knowledge), but of toy 4.0 % of the replies repeat themselves to the end")
    assert hidden_danger(checks[:1], capabilities, policy) is None


def test_an_undecided_limit_leaves_the_recipe_undecided():
    before, after = replied([10] * 300), replied([10] * 300, "b", looping=3)
    policy = Policy(reply_limits={"looping": 0.01})
    assert recipe_verdict([kept(before, after, policy), asked(before, after, looping=0.01)], policy=policy)[0] == "inconclusive"


def test_a_share_with_a_limit_is_judged_by_that_limit_alone():
    before, after = replied([10] * 300), replied([10] * 300, "b", looping=60)
    free, limited = Policy(), Policy(reply_limits={"toy": {"looping": 0.4}})
    check = kept(before, after, free)
    pooled = [pool([check], policy=free)]
    assert "hidden danger" in hidden_danger([check], pooled, free)
    assert hidden_danger([check], pooled, limited) is None
    assert not_limited(check, limited).truncated == check.replies.truncated


@pytest.mark.parametrize(("name", "limit", "margin"), [("length_ratio", 1.25, 0.25), ("truncated", 0.02, 0.02), ("looping", 0.04, 0.04)])
def test_without_a_comparison_the_check_still_says_what_it_would_have_allowed(name, limit, margin):
    side = replied([10] * 30)
    same = asked(side, side, **{name: limit})
    assert (same.verdict, same.reason, same.n) == ("pass", "identical weights, so replies are no worse", 30)
    assert (same.metric, same.margin, same.family, same.higher_is_better) == (name, pytest.approx(margin), "quantization", False)
    assert same.seconds == side.seconds > 0
    other = replied([10] * 30, "b").model_copy(update={"metric": "f1"})
    mismatch = asked(side, other, **{name: limit})
    assert (mismatch.verdict, mismatch.n, mismatch.margin) == ("not_comparable", 0, pytest.approx(margin))
    missing = asked(side, replied([10] * 30, "b").model_copy(update={"unavailable": "the judge was away"}), **{name: limit})
    assert (missing.verdict, missing.reason, missing.n) == ("inconclusive", "the judge was away", 0)


def test_of_two_limits_the_worse_one_is_the_check_whichever_comes_first():
    before, after = replied([10] * 300), replied([10] * 300, "b", looping=60)
    for limits in ({"looping": 0.01, "truncated": 0.01}, {"truncated": 0.01, "looping": 0.01}):
        check = asked(before, after, **limits)
        assert (check.verdict, check.metric, check.reason.count("; ")) == ("fail", "looping", 1)


def test_one_cluster_has_the_change_of_lengths_and_shares_without_an_interval():
    names = ["one"] * 20
    before, after = replied([10] * 20, truncated=5, clusters=names), replied([20] * 20, "b", truncated=10, clusters=names)
    lengths, cut = asked(before, after, length_ratio=1.25), asked(before, after, truncated=0.05)
    assert (lengths.reference.value, lengths.candidate.value, lengths.difference) == (10, 20, pytest.approx(-1))
    assert lengths.reason == "undecided: replies are 2.00 times as long, of one item or cluster"
    assert (cut.reference.value, cut.candidate.value, cut.difference) == (0.25, 0.5, -0.25)
    assert lengths.interval is cut.interval is None


def test_the_interval_of_a_share_is_turned_so_that_more_is_worse():
    before, after = replied([10] * 100, truncated=20), replied([10] * 100, "b", truncated=40)
    check = asked(before, after, truncated=0.5)
    rise = replies([(one, other) for one, other in zip(before.items, after.items, strict=True)], None, alpha=0.05).truncated
    assert check.interval == (-rise.interval[1], -rise.interval[0])
    assert check.interval[0] < check.difference == -0.2 < check.interval[1] < 0
    assert check.reason.startswith("40.0 % of the replies are cut by the token limit (reference 20.0 %): +20.0 points (90 % interval +")
    assert check.reason.endswith(", within the 50.0 points allowed")


def test_an_undecided_length_needs_the_items_that_make_the_distance_detectable():
    before = replied([100, 200, 90, 150] * 10)
    after = replied([110, 230, 95, 190] * 10, "b")
    check = asked(before, after, length_ratio=1.15)
    low, high = (1 - end for end in reversed(check.interval))
    ratio = 1 - check.difference
    stderr = (math.log(high) - math.log(low)) / 2 / 1.6448536
    needed = math.ceil(40 * ((1.6448536 + 0.8416212) * stderr / (math.log(1.15) - math.log(ratio))) ** 2)
    assert check.verdict == "inconclusive"
    assert check.reason.startswith(f"undecided: replies are {ratio:.2f} times as long (90 % interval {low:.2f} to {high:.2f})")
    assert f"; about {needed} items would decide" in check.reason


def test_an_undecided_share_needs_more_items_in_clusters_and_fewer_with_partial_credit():
    def needed(before, after):
        check = asked(before, after, truncated=0.05)
        assert check.verdict == "inconclusive"
        return int(check.reason.partition("about ")[2].split()[0])

    def doubled(side):
        items = [
            one.model_copy(update={"replies": [*one.replies, one.replies[0].model_copy(update={"truncated": False})]}) for one in side.items
        ]
        return side.model_copy(update={"items": items})

    names = [str(place // 5) for place in range(100)]
    alone = needed(replied([10] * 100), replied([10] * 100, "b", truncated=4))
    together = needed(replied([10] * 100, clusters=names), replied([10] * 100, "b", truncated=4, clusters=names))
    assert together > 2 * alone
    assert alone == items_to_decide({"n": 100, "discordance": 0.04, "spread": None, "design_effect": 1.0}, 0.05, -0.04, alpha=0.05)
    # The same mean rise as half a reply of twice as many items, which vary less.
    halves = needed(doubled(replied([10] * 100)), doubled(replied([10] * 100, "b", truncated=8)))
    assert halves < alone
    varied = spread([-0.5] * 8 + [0.0] * 92, bounded=True)
    assert halves == items_to_decide({"n": 100, "discordance": 0.08, "spread": varied, "design_effect": 1.0}, 0.05, -0.04, alpha=0.05)
