"""Pairing: orientation of scores, clusters, and the test against chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_unicomp.api.records import Reply
from pytest_unicomp.compare import Policy, stats
from pytest_unicomp.compare.expected import design_effect, spread
from pytest_unicomp.compare.pairing import above_chance, changes, clusters_of, compare, describe, not_comparable
from pytest_unicomp.compare.replies import replies
from pytest_unicomp.compare.uncertainty import uncertainty
from tests.toys import item, measurement


def pairs(before, after, **update):
    sides = [measurement(scores, artifact=mark).model_copy(update=update) for scores, mark in ((before, "a"), (after, "b"))]
    policy = Policy()
    fields = describe(sides[1], recipe="toy", family="pruning", gates=True, question="retention", margin=policy.benchmark, policy=policy)
    return compare(*sides, fields)


def test_larger_is_better_on_both_sides_after_pairing():
    right = pairs([1.0, 0.0], [0.0, 0.0])
    wrong = pairs([0.0, 1.0], [1.0, 1.0], higher_is_better=False)
    assert (right.before, right.after) == (wrong.before, wrong.after) == ([1.0, 0.0], [0.0, 0.0])
    assert wrong.raw_reference == [0.0, 1.0]
    assert right.fields["difference"] == wrong.fields["difference"] == -0.5


def test_items_that_neither_side_could_score_are_counted_and_not_paired():
    found = pairs([1.0, None, 0.0], [1.0, None, 1.0])
    assert (len(found.pairs), found.unscored) == (2, 1)
    assert "1 item that neither side could score" in found.check("pass", "kept").reason


def test_an_item_without_a_cluster_never_joins_a_cluster_of_its_name():
    sides = [measurement([1.0, 0.0, 1.0], artifact=mark) for mark in "ab"]
    named = [side.model_copy(update={"items": [side.items[0].model_copy(update={"cluster": "toy/1"}), *side.items[1:]]}) for side in sides]
    policy = Policy()
    fields = describe(named[1], recipe="toy", family="pruning", gates=True, question="retention", margin=policy.benchmark, policy=policy)
    assert compare(*named, fields).clusters == ["cluster toy/1", "item toy/1", "item toy/2"]


@given(st.integers(0, 60), st.floats(0.01, 0.99))
def test_only_a_rate_above_chance_can_have_its_bound_above_chance(right, chance):
    above, lower = above_chance([1.0] * right + [0.0] * (60 - right), None, chance, alpha=0.05)
    assert lower <= right / 60
    assert above == (lower > chance)


def test_clustered_items_need_more_to_be_above_chance():
    scores = ([1.0] * 10 + [0.0] * 10) * 5
    clusters = [str(place // 10) for place in range(100)]
    assert above_chance(scores, clusters, 0.35, alpha=0.05)[1] < above_chance(scores, None, 0.35, alpha=0.05)[1]


@pytest.mark.parametrize(
    ("weights", "found"), [(True, ["machine: toy machine -> other", "weights: aaaaaaaa -> b"]), (False, ["machine: toy machine -> other"])]
)
def test_changes_that_leave_measurements_comparable_are_listed(weights, found):
    after = measurement([1.0], artifact="b").model_copy(update={"machine": "other"})
    assert changes(measurement([1.0]), after, weights=weights) == found


def optioned(scores, logits, mark):
    found = measurement(scores, artifact=mark)
    items = [one.model_copy(update={"log_probabilities": row}) for one, row in zip(found.items, logits, strict=True)]
    return found.model_copy(update={"items": items})


def test_an_item_whose_options_all_tie_is_worth_a_guess_on_the_side_where_they_tie():
    before = optioned([1.0, 1.0, 0.0], [[-1.0, -2.0], [-1.0, -1.0], [-3.0] * 4], "a")
    after = optioned([1.0, 1.0, 1.0], [[-1.0, -2.0], [-1.0, -2.0], [-3.0] * 4], "b")
    policy = Policy()
    named = {"recipe": "toy", "family": "pruning", "gates": True, "margin": policy.benchmark, "policy": policy}
    found = compare(before, after, describe(after, **named, question="retention"))
    assert found.before == [1.0, 0.5, 0.25]
    assert found.after == [1.0, 1.0, 0.25]
    assert found.tied == 2
    assert found.check("pass", "kept").reason == "kept; all options of 2 items tie, each counted as a guess"
    # Stored evidence holds rounded numbers, which tie without being equal.
    drifting = compare(before, after, describe(after, **named, question="drift"))
    assert (drifting.before, drifting.after, drifting.tied) == ([1.0, 1.0, 0.0], [1.0, 1.0, 1.0], 0)


def test_one_option_alone_or_a_score_in_between_is_no_tie():
    before = optioned([1.0, 0.5], [[-1.0], [-1.0, -1.0]], "a")
    after = optioned([1.0, 0.5], [[-1.0], [-1.0, -1.0]], "b")
    policy = Policy()
    fields = describe(after, recipe="toy", family="pruning", gates=True, question="retention", margin=policy.benchmark, policy=policy)
    assert (compare(before, after, fields).tied, compare(before, after, fields).before) == (0, [1.0, 0.5])


def test_scores_outside_0_to_1_are_unbounded_and_shown_as_plain_numbers():
    assert (pairs([1.0, 0.0], [1.0, 1.0]).bounded, pairs([1.0, 0.0], [1.0, 1.0]).unit) == (True, "acc")
    assert (pairs([1.0, 2.0], [1.0, 1.0]).bounded, pairs([1.0, 2.0], [1.0, 1.0]).unit) == (False, "plain")
    assert (pairs([1.0, -0.5], [1.0, 1.0]).bounded, pairs([-0.5, 0.0], [0.0, 0.0], higher_is_better=False).before) == (False, [0.5, 0.0])
    nats = pairs([0.5, 0.25], [0.5, 0.5], metric="nats_per_token", higher_is_better=False)
    assert (nats.bounded, nats.unit, nats.before) == (False, "nats_per_token", [-0.5, -0.25])


def test_what_is_kept_is_a_ratio_of_means_and_unknown_if_nothing_was_there():
    assert pairs([1.0, 1.0], [1.0, 0.0]).fields["retention"] == 0.5
    assert pairs([0.0, 0.0], [1.0, 0.0]).fields["retention"] is None
    assert pairs([1.0, 1.0], [0.0, 1.0], higher_is_better=False).fields["retention"] == 2.0
    assert pairs([1.0, 1.0], [0.0, 0.0], higher_is_better=False).fields["retention"] is None


def test_a_check_names_what_it_is_about():
    found = pairs([1.0, 0.0], [1.0, 1.0]).fields
    assert {
        name: found[name] for name in ("recipe", "family", "gates", "question", "metric", "confidence", "margin", "chance", "seconds")
    } == {
        "recipe": "toy",
        "family": "pruning",
        "gates": True,
        "question": "retention",
        "metric": "acc",
        "confidence": 0.9,
        "margin": 0.05,
        "chance": 0.0,
        "seconds": 1.0,
    }
    assert (found["n"], found["discordance"], found["reference"].value, found["candidate"].value) == (2, 0.5, 0.5, 1.0)


def test_partial_credit_is_above_chance_by_students_interval():
    scores = [0.2, 0.4, 0.6, 0.8] * 5
    mean, error = 0.5, np.std(scores, ddof=1) / 20**0.5
    above, lower = above_chance(scores, None, 0.4, alpha=0.05)
    assert (above, lower) == (True, pytest.approx(mean - scipy_stats.t.ppf(0.95, 19) * error))
    assert above_chance([0.5], None, 0.1, alpha=0.05) == (False, 0.0)
    # Alike within clusters of two: each pair is one item's worth, up to CR2's correction.
    grouped = [str(place // 2) for place in range(20)]
    paired = [score for score in (0.2, 0.4, 0.6, 0.8, 0.5) * 2 for _ in range(2)]
    assert above_chance(paired, grouped, 0.4, alpha=0.05)[1] < above_chance(paired, None, 0.4, alpha=0.05)[1]


def test_versions_and_machines_that_differ_are_named_with_both_values():
    before = measurement([1.0]).model_copy(update={"versions": {"a": "1", "b": "1", "c": "1"}})
    after = measurement([1.0]).model_copy(update={"versions": {"b": "2", "c": "1", "d": "1"}})
    assert changes(before, after, weights=True) == ["a: 1 -> absent", "b: 1 -> 2", "d: absent -> 1"]


def test_a_margin_that_is_a_share_is_unknown_until_the_items_are_paired():
    def shown(margin):
        policy = Policy(benchmark_margin=margin)
        side = measurement([1.0])
        return describe(side, recipe="r", family="pruning", gates=True, question="retention", margin=policy.benchmark, policy=policy)[
            "margin"
        ]

    assert (shown(0.04), shown("4%"), shown("1.2x errors")) == (0.04, None, None)


def test_a_multiple_of_the_errors_allows_a_share_of_the_wrong_answers_whichever_way_the_metric_points():
    margin = Policy(benchmark_margin="1.5x errors").benchmark
    right, wrong = pairs([1.0, 0.0, 1.0, 1.0], [1.0] * 4), pairs([0.0, 1.0, 0.0, 0.0], [0.0] * 4, higher_is_better=False)
    assert right.allowances(margin) == wrong.allowances(margin) == [0.0, 0.5, 0.0, 0.0]


def test_nats_are_unbounded_even_where_all_of_them_lie_between_0_and_1():
    before, after = [0.1 * (place % 9) for place in range(60)], [0.1 * (place % 9) + 0.01 * (place % 2) for place in range(60)]
    nats = pairs(before, after, metric="nats_per_token")
    rate = pairs(before, after, higher_is_better=False)
    margin = Policy().benchmark
    assert "t with room for a long tail" in nats.difference(alpha=0.05, margin=margin).method
    assert "score" in rate.difference(alpha=0.05, margin=margin).method


def asked(scores, mark, *, size=10):
    """A measurement in clusters of `size` items, each with two options and a reply that is cut if it is wrong."""
    whole = measurement(scores, artifact=mark)
    items = [
        item.model_copy(
            update={
                "cluster": str(place // size),
                "right": 0,
                "log_probabilities": [-0.1 - score % 0.3, -0.9],
                "replies": [Reply(answer="", score=score, tokens=10 + place % 7, truncated=not score, looping=False)],
            }
        )
        for place, (item, score) in enumerate(zip(whole.items, scores, strict=True))
    ]
    return whole.model_copy(update={"items": items})


def described(reference, candidate, question, alpha=0.05):
    policy = Policy(alpha=alpha)
    fields = describe(candidate, recipe="r", family="pruning", gates=True, question=question, margin=policy.benchmark, policy=policy)
    return compare(reference, candidate, fields)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_what_informs_has_the_clusters_and_the_level_of_the_check(alpha):
    before, after = asked([1.0] * 60, "a"), asked([0.0] * 6 + [1.0] * 48 + [0.0] * 6, "b")
    found = described(before, after, "retention", alpha)
    clusters = [f"cluster {place // 10}" for place in range(60)]
    by_item = sorted(range(60), key=lambda place: before.items[place].id)
    assert found.clusters == [clusters[place] for place in by_item]
    assert found.fields["replies"] == found.replies == replies(found.pairs, found.clusters, alpha=(1 - found.fields["confidence"]) / 2)
    assert found.fields["uncertainty"] == uncertainty(found.pairs, found.clusters, alpha=(1 - found.fields["confidence"]) / 2)
    assert found.fields["design_effect"] == design_effect(
        [new - old for old, new in zip(found.before, found.after, strict=True)], found.clusters
    )
    assert found.fields["design_effect"] > 1.5
    assert found.fields["replies"].truncated.interval != replies(found.pairs, None, alpha=alpha).truncated.interval


def test_the_reason_of_a_check_says_how_the_replies_changed():
    before, after = asked([1.0] * 60, "a", size=1), asked([0.0] * 30 + [1.0] * 30, "b", size=1)
    assert described(before, after, "retention").check("pass", "kept").reason == "kept; 50 % cut by the token limit (reference 0 %)"
    assert described(before, before, "retention").check("pass", "kept").reason == "kept"


def test_a_drift_check_holds_nothing_that_only_informs_a_retention_check():
    before, after = asked([1.0] * 60, "a"), asked([0.0] * 6 + [1.0] * 54, "b")
    assert {"divergence_table", "uncertainty", "divergent_replies"} <= described(before, after, "retention").fields.keys()
    assert not {"divergence_table", "uncertainty", "divergent_replies"} & described(before, after, "drift").fields.keys()


def test_partial_credit_has_a_spread_from_two_items_on_and_right_or_wrong_has_none():
    assert pairs([1.0, 0.5], [0.5, 0.25]).fields["spread"] == pytest.approx(spread([-0.5, -0.25], bounded=True))
    assert pairs([1.0], [0.5]).fields["spread"] is None
    assert pairs([1.0, 0.0], [0.0, 0.0]).fields["spread"] is None
    # Scores of 0 and 1 that are nats vary like any other nats.
    assert pairs([1.0, 0.0], [0.0, 0.0], metric="nats_per_token", higher_is_better=False).fields["spread"] is not None


def test_a_mismatch_is_a_check_with_the_values_of_both_sides():
    before, after = measurement([1.0, 0.0]), measurement([1.0, 1.0, 0.0, 0.0, 0.0])
    policy = Policy()
    fields = describe(after, recipe="r", family="pruning", gates=True, question="drift", margin=policy.benchmark, policy=policy)
    found = not_comparable(before, after, fields, ("baseline", "current run"))
    assert (found.reference.value, found.candidate.value, found.n, found.verdict) == (0.5, 0.4, 5, "not_comparable")
    assert found.reason == "not comparable: 3 items of the current run missing in the baseline: toy/2, toy/3, toy/4"
    assert not_comparable(before, before, fields, ("baseline", "current run")) is None


def test_two_clusters_count_as_two_and_clusters_that_even_out_as_their_items():
    scores = [1.0] * 20 + [0.0] * 10 + [1.0] * 10
    alone = above_chance(scores, None, 0.5, alpha=0.05)[1]
    assert above_chance(scores, ["a"] * 20 + ["b"] * 20, 0.5, alpha=0.05)[1] < alone - 0.05
    # Each cluster has the same share right, so clusters vary less than items do by chance.
    assert above_chance([1.0, 0.0, 1.0, 1.0] * 10, [str(place // 4) for place in range(40)], 0.5, alpha=0.05)[1] == alone
    # Nothing varies at all.
    assert above_chance([1.0] * 40, ["a"] * 20 + ["b"] * 20, 0.5, alpha=0.05) == above_chance([1.0] * 40, None, 0.5, alpha=0.05)


def test_the_bound_of_right_or_wrong_items_is_wilsons_and_that_of_partial_credit_students():
    assert above_chance([1.0] * 7 + [0.0] * 3, None, 0.5, alpha=0.05)[1] == stats.wilson_interval(7, 10, confidence=0.9)[0]
    for scores in ([0.5, 1.0], [0.0, 0.25, 1.0, 1.0, 0.75]):
        expected = scipy_stats.ttest_1samp(scores, 0.0).confidence_interval(0.9).low
        assert above_chance(scores, None, 0.5, alpha=0.05)[1] == pytest.approx(expected)
    assert above_chance([0.5], None, 0.25, alpha=0.05) == (False, 0.0)


@pytest.mark.parametrize("scores", [[1.0] * 30 + [0.0] * 10, [1.0, 0.5, 0.25, 1.0] * 10])
def test_items_that_stand_twice_as_a_cluster_are_worth_what_they_are_once(scores):
    once = above_chance(scores, None, 0.5, alpha=0.05)[1]
    twice = above_chance(scores * 2, [str(place % 40) for place in range(80)], 0.5, alpha=0.05)[1]
    assert twice == pytest.approx(once, abs=0.005)
    assert above_chance(scores * 2, None, 0.5, alpha=0.05)[1] > once + 0.01


def test_a_cluster_that_only_one_side_names_holds_for_the_pair():
    bare, named = item("x", 1.0), item("x", 1.0, cluster="a")
    assert clusters_of([(bare, bare)]) is None
    assert clusters_of([(bare, named)]) == clusters_of([(named, bare)]) == clusters_of([(named, named)]) == ["cluster a"]
    assert clusters_of([(named, item("x", 1.0, cluster="b"))]) == ["cluster b"]
    assert clusters_of([(bare, bare), (item("y", 1.0), item("y", 1.0, cluster="a"))]) == ["item x", "cluster a"]


def test_weights_that_changed_are_named_by_twelve_characters_of_both():
    before, after = measurement([1.0], artifact="a" * 64), measurement([1.0], artifact="b" * 64)
    assert changes(before, after, weights=True) == [f"weights: {'a' * 12} -> {'b' * 12}"]
