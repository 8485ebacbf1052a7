"""Length, truncation, loops and thoughts are compared item by item, and never from replies that were not recorded."""

from __future__ import annotations

import json
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.records import Check, Item, Reply, ReplyChange, ShareChange
from pytest_unicomp.compare import Policy, hashes
from pytest_unicomp.compare.replies import LONGER, RISE, cut_in_thought, damage, differences, not_limited, only_in_thoughts, replies, said
from tests.compare.toy_pairs import retained
from tests.toys import item, measurement


def reply(tokens: int | None = 10, *, score: float = 1.0, **fields: object) -> Reply:
    return Reply.model_validate({"answer": "4", "score": score, "tokens": tokens, "truncated": False, "looping": False, **fields})


def one(name: str, *given: Reply, target: str = "42") -> Item:
    scores = [float(each.score or 0) for each in given]
    return item(name, sum(scores) / len(scores)).model_copy(update={"replies": list(given), "target": target})


def change(before: list[list[Reply]], after: list[list[Reply]]):
    return replies(
        [(one(str(n), *old), one(str(n), *new)) for n, (old, new) in enumerate(zip(before, after, strict=True))], None, alpha=0.05
    )


@given(st.lists(st.tuples(st.integers(1, 999), st.integers(1, 999)), min_size=2, max_size=20))
def test_the_ratio_of_lengths_is_the_geometric_mean_over_items(lengths):
    found = change([[reply(old)] for old, _ in lengths], [[reply(new)] for _, new in lengths])
    assert found.length_ratio == pytest.approx(exp(sum(log(new / old) for old, new in lengths) / len(lengths)))
    lower, upper = found.length_ratio_interval
    assert lower <= found.length_ratio * (1 + 1e-9)
    assert upper >= found.length_ratio * (1 - 1e-9)
    turned = change([[reply(new)] for _, new in lengths], [[reply(old)] for old, _ in lengths])
    assert turned.length_ratio * found.length_ratio == pytest.approx(1)


def test_several_replies_are_one_value_per_item():
    few = change([[reply(10)], [reply(20)]], [[reply(20)], [reply(30)]])
    many = change([[reply(5), reply(15)] * 4, [reply(20)] * 8], [[reply(20)] * 8, [reply(29), reply(31)] * 4])
    assert (few.length_ratio, few.length_ratio_interval) == (many.length_ratio, many.length_ratio_interval)


def test_shares_are_paired():
    before = [[reply()] for _ in range(100)]
    after = [[reply(truncated=n < 40, looping=n < 20)] for n in range(100)]
    found = change(before, after)
    assert (found.truncated.reference, found.truncated.candidate, found.truncated.difference) == (0, 0.4, 0.4)
    assert found.truncated.interval[0] > 0.3
    assert "40 % cut by the token limit (reference 0 %), 20 % repeat themselves to the end" in said(found)


def test_what_was_not_recorded_is_not_known_rather_than_zero():
    assert replies([(item("a", 1.0), item("a", 1.0))], None, alpha=0.05) is None
    found = change([[reply(None, truncated=None)]] * 3, [[reply(5)]] * 3)
    assert (found.length_ratio, found.tokens, found.truncated) == (None, None, None)
    assert found.looping.difference == 0
    assert said(found) == ""


@pytest.mark.parametrize(
    ("thoughts", "score", "target", "expected"),
    [
        ("so 42, no, 41", 0.0, "42", True),
        ("so 42", 1.0, "42", False),
        ("so 421", 0.0, "42", False),
        (None, 0.0, "42", None),
        ("it is B", 0.0, "B", None),
        ("it is 18.", 0.0, "3 * 6 = 18\n#### 18", True),
    ],
)
def test_a_right_answer_in_the_thoughts_alone_is_seen(thoughts, score, target, expected):
    assert only_in_thoughts(reply(thoughts=thoughts, score=score), one("a", reply(), target=target)) is expected


def with_replies(scores, *, artifact="a" * 8, **fields):
    made = measurement(scores, artifact=artifact)
    items = [each.model_copy(update={"replies": [reply(score=each.score, **fields)]}) for each in made.items]
    return made.model_copy(update={"items": items})


def test_both_sides_cut_in_mid_thought_are_said_to_be_so_and_never_at_chance():
    cut = {"unfinished": True, "truncated": True, "thoughts": "so"}
    found = retained(with_replies([0.0] * 50, **cut), with_replies([0.0] * 50, artifact="b" * 8, **cut))
    assert found.verdict == "inconclusive"
    assert found.reason.startswith("the token limit cuts replies in mid-thought")
    assert "100 % of the reference's and 100 % of the candidate's" in found.reason
    assert "chance" not in found.reason


def test_a_kept_score_with_longer_replies_says_so():
    before = with_replies([1.0] * 180 + [0.0] * 20, tokens=100)
    after = with_replies([1.0] * 180 + [0.0] * 20, artifact="b" * 8, tokens=250)
    found = retained(before, after)
    assert found.verdict == "pass"
    assert found.reason.endswith("; replies are 2.50 times as long (2.44 to 2.53)")
    assert found.replies.tokens == (100, 250)


def test_a_measurement_and_a_check_without_replies_are_written_as_before():
    old = measurement([1.0, 0.0])
    assert "replies" not in json.dumps(old.model_dump(mode="json"))
    check = retained(old, measurement([1.0, 0.0], artifact="b" * 8))
    assert "replies" not in check.model_dump(mode="json")
    new = with_replies([1.0, 0.0])
    assert hashes.content(type(new).model_validate_json(new.model_dump_json())) == hashes.content(new) != hashes.content(old)
    assert Check.model_validate_json(retained(new, new).model_dump_json()).replies is not None


def test_items_of_one_cluster_have_a_ratio_without_an_interval():
    pairs = [(one(str(n), reply(10)), one(str(n), reply(10 + n))) for n in range(4)]
    lone, apart, shared = (replies(pairs, names, alpha=0.05) for names in (["a"] * 4, list("abcd"), list("aabb")))
    assert (lone.length_ratio, lone.length_ratio_interval) == (apart.length_ratio, None)
    assert apart.length_ratio_interval == replies(pairs, None, alpha=0.05).length_ratio_interval != shared.length_ratio_interval


def damaged(*, before=0, after=20, n=200, name="looping"):
    found = change([[reply(**{name: place < before})] for place in range(n)], [[reply(**{name: place < after})] for place in range(n)])
    return damage({"gsm8k": found}, alpha=0.05)


@pytest.mark.parametrize(
    ("name", "words"), [("looping", "repeat themselves to the end"), ("truncated", "cut by the token limit"), ("unfinished", None)]
)
def test_replies_that_loop_or_are_cut_more_often_by_more_than_the_rise_are_damage(name, words):
    said_of = [] if words is None else [f"of the replies to gsm8k 20 % {words} (reference 0 %)"]
    assert damaged(after=40, name=name) == said_of


def test_a_rise_within_the_allowance_or_within_doubt_is_no_damage():
    assert damaged(after=10) == []
    # 12 of 200 are more than five in a hundred, and not beyond doubt.
    assert damaged(after=12) == []
    assert damaged(before=40, after=40) == damaged(before=40, after=0) == []
    assert damage({"gsm8k": None}, alpha=0.05) == damage({}, alpha=0.05) == []


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_p_value_of_a_rise_agrees_with_its_interval(before, after):
    found = change(
        [[reply(looping=place < before)] for place in range(60)], [[reply(looping=place < after)] for place in range(60)]
    ).looping
    assert found.interval[0] <= found.difference <= found.interval[1]
    assert (found.p_value <= 0.05) == (found.interval[0] > RISE)


def test_damage_is_corrected_over_all_benchmarks_and_both_shares():
    doubtful = change([[reply()] for _ in range(200)], [[reply(looping=place < 16)] for place in range(200)])
    assert doubtful.looping.p_value < 0.05 < 2 * doubtful.looping.p_value
    # Truncation did not rise at all, and takes half of alpha.
    assert damage({"one": doubtful}, alpha=0.05) == []
    alone = doubtful.model_copy(update={"truncated": None})
    assert len(damage({"one": alone}, alpha=0.05)) == 1
    assert damage({"one": alone, "two": doubtful}, alpha=0.05) == []


def told(**known):
    """A change of which nothing is known but what is given."""
    shares = ("truncated", "looping", "unfinished", "only_in_thoughts")
    nothing = dict.fromkeys(("tokens", "length_ratio", "length_ratio_interval", *shares))
    return ReplyChange(n=100, **{**nothing, **known})


def risen(before, after, low, p_value=None):
    return ShareChange(reference=before, candidate=after, difference=after - before, interval=(low, 1.0), p_value=p_value)


@pytest.mark.parametrize(
    ("interval", "notable"),
    [
        ((0.95, 1.05), False),
        ((0.8, 1.3), False),
        ((LONGER, 1.3), False),
        ((1.11, 1.3), True),
        ((0.5, 1 / LONGER), False),
        ((0.5, 0.9), True),
    ],
)
def test_a_length_is_notable_if_it_changed_by_more_than_a_tenth_beyond_doubt(interval, notable):
    phrase = said(told(length_ratio=1.0, length_ratio_interval=interval))
    assert phrase == (f"replies are 1.00 times as long ({interval[0]:.2f} to {interval[1]:.2f})" if notable else "")


def test_a_share_is_notable_if_it_rose_beyond_doubt_and_is_said_in_percent_of_both_sides():
    assert said(told(only_in_thoughts=risen(0.6, 0.7, 0.01))) == "70 % have the right answer in the thoughts alone (reference 60 %)"
    assert said(told(only_in_thoughts=risen(0.6, 0.7, 0.0))) == ""


@pytest.mark.parametrize("name", ["truncated", "looping", "unfinished", "only_in_thoughts"])
def test_items_of_one_cluster_make_every_share_less_certain(name):
    def given(rises):
        if name == "only_in_thoughts":
            return reply(score=0.0, thoughts="it is 42" if rises else "it is 41")
        return reply(**{name: rises})

    pairs = [(one(str(n), given(False)), one(str(n), given(n < 20))) for n in range(40)]
    alone, together = (getattr(replies(pairs, names, alpha=0.05), name) for names in (None, [str(n // 5) for n in range(40)]))
    assert alone.candidate == together.candidate == 0.5
    assert together.interval[0] < alone.interval[0] - 0.02


def test_only_items_whose_replies_both_sides_recorded_are_compared():
    whole, bare = one("a", reply(10)), item("a", 1.0)
    found = replies([(whole, whole), (whole, bare), (bare, whole)], None, alpha=0.05)
    assert (found.n, found.tokens) == (1, (10, 10))
    assert replies([(whole, bare), (bare, whole)], None, alpha=0.05) is None


def test_damage_whose_corrected_p_value_is_just_alpha_is_found():
    both = {"truncated": risen(0.0, 0.2, 0.06, 0.025), "looping": risen(0.0, 0.2, 0.06, 0.025)}
    assert len(damage({"gsm8k": told(**both)}, alpha=0.05)) == 2


@pytest.mark.parametrize(("reference", "mostly"), [(0.49, False), (0.5, True), (0.9, True)])
def test_replies_that_mostly_end_in_mid_thought_are_why_scores_say_nothing(reference, mostly):
    found = cut_in_thought(told(unfinished=risen(reference, 0.25, 0.0)))
    assert (found is not None) == mostly
    assert not mostly or f": {100 * reference:.0f} % of the reference's and 25 % of the candidate's; raise it" in found


@pytest.mark.parametrize(("before", "after", "ratio"), [(0, 0, 1), (1, 1, 1), (0, 10, 10), (1, 10, 10), (10, 0, 0.1), (2, 1, 0.5)])
def test_an_empty_reply_is_as_long_as_one_token_in_the_ratio_and_empty_in_the_mean(before, after, ratio):
    found = change([[reply(before)]] * 3, [[reply(after)]] * 3)
    assert found.length_ratio == pytest.approx(ratio)
    assert found.tokens == (before, after)


def test_a_share_that_rose_differs_by_candidate_minus_reference_and_its_interval_holds_that():
    found = change([[reply(truncated=n < 10)] for n in range(50)], [[reply(truncated=n < 25)] for n in range(50)]).truncated
    assert (found.reference, found.candidate, found.difference) == (0.2, 0.5, pytest.approx(0.3))
    assert 0 < found.interval[0] < 0.3 < found.interval[1] < 0.6


def test_items_of_one_cluster_have_a_share_without_an_interval():
    pairs = [(one(str(n), reply(truncated=n < 1)), one(str(n), reply(truncated=n < 3))) for n in range(4)]
    found = replies(pairs, ["a"] * 4, alpha=0.05).truncated
    assert (found.reference, found.candidate, found.difference) == (0.25, 0.75, 0.5)
    assert found.interval is found.p_value is None


def test_a_share_counts_each_item_by_its_replies_and_leaves_out_what_is_not_known_of_one():
    half = [reply(truncated=True), reply(truncated=False)]
    unknown = [reply(truncated=True), reply(truncated=None)]
    found = change([[reply()], [reply()], [reply()]], [half, [reply(truncated=True)], unknown]).truncated
    assert (found.reference, found.candidate) == (0.0, pytest.approx((0.5 + 1) / 2))


def test_what_is_limited_differs_item_by_item_as_reference_minus_candidate():
    pairs = [
        (one("a", reply(10, truncated=True)), one("a", reply(20))),
        (one("b", reply(8), reply(12)), one("b", reply(5, looping=True), reply(5))),
        (one("c", reply(None)), one("c", reply(3, looping=None))),
    ]
    assert differences(pairs, "length_ratio") == [pytest.approx(log(0.5)), pytest.approx(log(2)), None]
    assert differences(pairs, "truncated") == [1.0, 0.0, 0.0]
    assert differences(pairs, "looping") == [0.0, -0.5, None]


@pytest.mark.parametrize("name", ["truncated", "looping"])
def test_a_share_that_has_a_limit_is_left_to_it_and_the_other_is_not(name):
    before, after = with_replies([1.0] * 20), with_replies([1.0] * 20, artifact="b" * 8, **{name: True})
    check = retained(before, after)
    left = not_limited(check, Policy(reply_limits={name: 0.1}))
    assert getattr(left, name) is None
    other = {"truncated": "looping", "looping": "truncated"}[name]
    assert getattr(left, other) == getattr(check.replies, other)
    assert not_limited(check, Policy()) == check.replies


def test_replies_of_one_token_have_a_length_ratio_with_an_interval():
    found = change([[reply(1)]] * 30, [[reply(1)]] * 30)
    assert (found.length_ratio, found.tokens) == (1, (1, 1))
    assert found.length_ratio_interval[0] < 1 < found.length_ratio_interval[1]
