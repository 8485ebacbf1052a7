"""Retention: one test per branch of the rule in docs/verdicts.md."""

from __future__ import annotations

import itertools

import pytest

from pytest_unicomp.api.records import Reply
from pytest_unicomp.api.records.measurement import Agreement
from pytest_unicomp.compare import Policy, accepted, stats
from pytest_unicomp.compare.retention import decide
from pytest_unicomp.config.margins import Margin
from tests.compare.toy_pairs import changed, compared, drifted, rates, retained, with_items
from tests.compare.toy_slices import check as check_of_slices
from tests.toys import measurement


@pytest.mark.parametrize(
    ("losses", "gains", "n", "verdict", "words"),
    [
        (10, 8, 1000, "pass", "kept: -0.2 points"),
        (0, 0, 100, "pass", "kept"),
        (0, 0, 50, "inconclusive", "undecided"),
        (150, 20, 1000, "fail", "lost: -13.0 points"),
        (9, 1, 100, "inconclusive", "a drop is detected, its size undecided"),
        (6, 4, 100, "inconclusive", "items would decide"),
        (10, 110, 1000, "pass", "suspicious"),
    ],
)
def test_retention_follows_the_interval(losses, gains, n, verdict, words):
    check = compared(losses, gains, n)
    assert check.verdict == verdict
    assert words in check.reason
    low, high = check.interval
    assert (low > -check.margin, high < -check.margin) == (verdict == "pass", verdict == "fail")


def test_every_number_of_a_retention_check_is_filled():
    before, after = rates(30, 10, 500)
    reference = measurement(before).model_copy(update={"chance": 0.25})
    candidate = measurement(after, artifact="b" * 8).model_copy(update={"chance": 0.25})
    check = retained(reference, candidate)
    assert (check.n, check.flips.lost, check.flips.gained, check.flips.changed) == (500, 30, 10, 0)
    assert check.discordance == pytest.approx(0.08)
    assert check.difference == pytest.approx(-0.04)
    assert check.retention == pytest.approx(0.76 / 0.8)
    assert check.chance_corrected_retention == pytest.approx(0.51 / 0.55)
    assert check.minimum_detectable_effect == pytest.approx(2.4865 * (0.08 / 500) ** 0.5, rel=0.05)
    assert check.reference.stderr == pytest.approx((0.8 * 0.2 / 499) ** 0.5)
    assert 0.05 < check.p_value < 1
    assert check.confidence == pytest.approx(0.9)
    assert "500 items, 8.0 %" in check.reason


def test_identical_weights_pass_however_few_items():
    before, _ = rates(0, 0, 10)
    check = retained(measurement(before), measurement(before))
    assert (check.verdict, check.interval) == ("pass", (0.0, 0.0))
    noisy = retained(measurement(before), measurement(before[::-1], artifact="b"), identical=True)
    assert noisy.verdict == "pass"
    assert "not deterministic" in noisy.reason


def test_identical_weights_by_another_command_are_judged_by_their_scores():
    before = measurement([1.0] * 90 + [0.0] * 10)
    after = measurement([0.0] * 60 + [1.0] * 30 + [0.0] * 10).model_copy(update={"evaluated_by": "vllm serve {model} --kv-cache-dtype fp8"})
    assert retained(before, after).verdict == "fail"
    assert retained(after, after).verdict == "pass"


def test_a_reference_at_chance_cannot_anchor():
    check = compared(0, 0, 1000, chance=0.79)
    assert check.verdict == "inconclusive"
    assert check.reason.startswith("the reference is at chance: 80.0 %")
    assert check.chance_corrected_retention is None
    assert compared(0, 0, 1000, chance=0.77).verdict == "pass"
    assert compared(0, 0, 1000, chance=None).verdict == "pass"


def test_a_pass_that_could_not_have_failed_says_so():
    assert "weak check" in compared(0, 0, 4000, chance=0.77).reason
    assert "weak check" not in compared(0, 0, 4000, chance=0.25).reason


def test_lower_is_better_turns_the_difference_and_the_flips():
    before, after = rates(100, 0, 1000, right=0.5)
    harmful = {"higher_is_better": False, "chance": None}
    fewer = retained(measurement(before).model_copy(update=harmful), measurement(after, artifact="b").model_copy(update=harmful))
    more = retained(measurement(after, artifact="b").model_copy(update=harmful), measurement(before).model_copy(update=harmful))
    assert (fewer.verdict, fewer.difference, fewer.flips.gained) == ("pass", pytest.approx(0.1), 100)
    assert (more.verdict, more.difference, more.flips.lost) == ("fail", pytest.approx(-0.1), 100)
    assert more.retention == pytest.approx(0.8)


def test_language_modelling_is_judged_in_nats_where_more_is_worse():
    nats = {"metric": "nats_per_token", "higher_is_better": False, "chance": None, "capability": "language_modeling"}
    base = [2.0 + 0.01 * (place % 7) for place in range(60)]
    worse = [value + 0.2 + 0.001 * (place % 5) for place, value in enumerate(base)]
    reference = changed(measurement(base).model_copy(update=nats), metric="nats_per_token")
    candidate = changed(measurement(worse, artifact="b").model_copy(update=nats), metric="nats_per_token")
    check = retained(reference, candidate)
    assert (check.verdict, check.flips) == ("fail", None)
    assert check.difference == pytest.approx(-0.202)
    assert check.retention == pytest.approx(2.03 / 2.232, rel=0.01)
    assert "-0.202 nats per token" in check.reason
    assert retained(candidate, reference).verdict == "pass"


def test_items_that_share_a_cluster_widen_the_interval():
    before, after = rates(40, 0, 400)

    def grouped(items):
        return [item.model_copy(update={"cluster": str(place // 40)}) for place, item in enumerate(items)]

    reference, candidate = measurement(before), measurement(after, artifact="b")
    alone = retained(reference, candidate)
    together = retained(with_items(reference, grouped), with_items(candidate, grouped))
    assert together.interval[0] < alone.interval[0]
    assert (alone.verdict, together.verdict) == ("fail", "inconclusive")
    single = retained(
        with_items(reference, lambda items: [item.model_copy(update={"cluster": "one"}) for item in items]),
        with_items(candidate, lambda items: [item.model_copy(update={"cluster": "one"}) for item in items]),
    )
    assert (single.verdict, single.interval) == ("inconclusive", None)
    assert "one cluster" in single.reason


def test_items_that_neither_side_could_score_are_left_out_and_counted():
    check = retained(measurement([1.0] * 200 + [None] * 3), measurement([1.0] * 200 + [None] * 3, artifact="b"))
    assert (check.verdict, check.n) == ("pass", 200)
    assert "3 items that neither side could score" in check.reason


def test_small_losses_that_each_pass_against_the_last_release_add_up_against_the_original():
    """Two references at once: the stored evidence of the last release, and the model that everything was made from."""
    releases = [measurement([0.0] * (8 * step) + [1.0] * (1000 - 8 * step), artifact=str(step)) for step in range(13)]
    drifts = [drifted(before, after).verdict for before, after in itertools.pairwise(releases)]
    assert set(drifts) == {"pass"}
    kept = [retained(releases[0], release).verdict for release in releases]
    assert (kept[1], kept[-1]) == ("pass", "fail")


def test_an_accepted_change_passes_and_keeps_what_it_would_have_been():
    check = drifted(measurement([1.0] * 90 + [0.0] * 10), measurement([1.0] * 50 + [0.0] * 50, artifact="b"))
    assert (check.verdict, check.accepted) == ("fail", False)
    passed = accepted(check)
    assert (passed.verdict, passed.accepted, passed.difference) == ("pass", True, check.difference)
    assert passed.reason == f"baseline rewritten on request; before that: fail: {check.reason}"


# A model compared with itself, and margins that are shares


def test_a_model_compared_with_itself_loses_exactly_nothing():
    same = measurement([1.0] * 8 + [0.0] * 2)
    check = retained(same, same)
    assert (check.difference, check.interval, check.p_value, check.minimum_detectable_effect) == (0.0, (0.0, 0.0), 1.0, 0.0)
    assert (check.margin, check.capability_interval, check.capability_margin) == (0.05, None, None)
    assert check.reason == "identical weights, so nothing is lost on these 10 items"
    assert check.chance_corrected_retention == 1.0


def test_scores_that_differ_although_the_weights_do_not_are_named_as_a_share():
    check = retained(measurement([1.0] * 10), measurement([0.0] * 2 + [1.0] * 8, artifact="b"), identical=True)
    assert check.reason == (
        "identical weights, so nothing is lost on these 10 items; "
        "but 20.0 % of the items were scored differently: the evaluation is not deterministic"
    )
    assert (check.verdict, check.difference) == ("pass", 0.0)


def test_shares_as_margins_are_shown_as_what_they_are_here():
    shares = Policy(benchmark_margin="5%", capability_margin="2%")
    same = measurement([1.0] * 8 + [0.0] * 2)
    check = retained(same, same, policy=shares)
    assert (check.margin, check.capability_interval, check.capability_margin) == (pytest.approx(0.04), (0.0, 0.0), pytest.approx(0.016))
    before, after = rates(20, 18, 1000)
    other = retained(measurement(before), measurement(after, artifact="b"), policy=shares)
    assert (other.margin, other.capability_margin) == (pytest.approx(0.04), pytest.approx(0.016))
    # A smaller share is less uncertain, so its interval is a little narrower.
    assert other.interval != other.capability_interval
    assert "5 % of the reference (4.0 points here)" in other.reason
    only = retained(measurement(before), measurement(after, artifact="b"), policy=Policy(benchmark_margin="5%", capability_margin="5%"))
    assert only.capability_interval is None
    mixed = retained(same, same, policy=Policy(benchmark_margin=0.05, capability_margin="2%"))
    assert (mixed.margin, mixed.capability_margin) == (0.05, pytest.approx(0.016))


def test_a_reference_that_scores_nothing_anywhere_has_nothing_to_lose():
    nothing = {"chance": None}
    reference = measurement([0.0] * 60).model_copy(update=nothing)
    check = retained(reference, measurement([0.0] * 60, artifact="b").model_copy(update=nothing))
    assert check.verdict == "inconclusive"
    assert check.reason == "the reference is at the floor: 0.0 % on all 60 items, so they cannot show a loss"
    some = measurement([1.0, *[0.0] * 59]).model_copy(update=nothing)
    assert "at the floor" not in retained(some, measurement([0.0] * 60, artifact="b").model_copy(update=nothing)).reason
    # Of a harmful rate the floor is 100 %.
    harmful = {"chance": None, "higher_is_better": False}
    worst = measurement([1.0] * 60).model_copy(update=harmful)
    found = retained(worst, measurement([1.0] * 60, artifact="b").model_copy(update=harmful))
    assert found.reason.startswith("the reference is at the floor: 100.0 % on all 60 items")


def test_chance_of_a_metric_that_is_better_low_is_turned_with_it():
    harmful = {"higher_is_better": False, "chance": 0.5}
    reference = measurement([1.0] * 50 + [0.0] * 50).model_copy(update=harmful)
    check = retained(reference, measurement([1.0] * 50 + [0.0] * 50, artifact="b").model_copy(update=harmful))
    assert check.verdict == "inconclusive"
    assert check.reason.startswith("the reference is at chance: 50.0 % (confidence bound 58.")
    assert "chance level 50.0 %), so these 100 items cannot show a loss" in check.reason
    assert check.p_value is None
    assert check.interval is not None


def test_what_a_benchmark_could_not_score_is_undecided_with_its_own_reason():
    whole = measurement([1.0] * 20)
    lacking = measurement([1.0] * 20, artifact="b").model_copy(update={"unavailable": "the judge was away"})
    for pair in ((whole, lacking), (lacking, whole)):
        check = retained(*pair)
        assert (check.verdict, check.reason, check.n, check.interval) == ("inconclusive", "the judge was away", 20, None)


@pytest.mark.parametrize(
    ("losses", "gains", "n", "reason"),
    [
        (
            10,
            8,
            1000,
            "kept: -0.2 points (90 % interval -1.0 to +0.5), a loss of more than 5.0 points is ruled out; 1000 items, 1.8 % of them scored "
            "differently; smallest loss detectable with 80 % power: 1.1 points; interval: score, exact tail",
        ),
        (
            150,
            20,
            1000,
            "lost: -13.0 points (90 % interval -15.1 to -11.0), more than the 5.0 points allowed; 1000 items, 17.0 % of them scored "
            "differently; smallest loss detectable with 80 % power: 3.1 points; interval: score (Tango)",
        ),
        (
            9,
            1,
            100,
            "a drop is detected, its size undecided: -8.0 points (90 % interval -14.1 to -2.9), on both sides of the 5.0 points allowed; about "
            "615 items would decide (80 % power) if the difference stays the same; 100 items, 10.0 % of them scored differently; smallest loss detectable "
            "with 80 % power: 8.5 points; interval: score, exact tail",
        ),
        (
            6,
            4,
            100,
            "undecided: -2.0 points (90 % interval -7.9 to +3.6), on both sides of the 5.0 points allowed; about 755 items would decide (80 % power) "
            "if the difference stays the same; 100 items, 10.0 % of them scored differently; smallest loss detectable with 80 % power: 8.7 points; "
            "interval: score, exact tail",
        ),
        (
            10,
            110,
            1000,
            "kept: +10.0 points (90 % interval +8.3 to +11.8), suspicious: better than the reference by more than 5.0 points; look for leaked "
            "test items or a changed prompt; 1000 items, 12.0 % of them scored differently; smallest loss detectable with 80 % power: 2.6 "
            "points; interval: score (Tango)",
        ),
    ],
)
def test_the_reason_says_verdict_interval_margin_basis_and_method(losses, gains, n, reason):
    assert compared(losses, gains, n).reason == reason


def test_a_weak_check_names_the_distance_from_chance():
    found = compared(0, 0, 4000, chance=0.77).reason
    assert found.endswith("; interval: score, exact tail; weak check: the reference is only 3.0 points from chance, within the margin")
    assert "weak check" in compared(0, 0, 4000, chance=0.7501).reason
    assert "weak check" not in compared(0, 0, 4000, chance=0.7499).reason


def test_why_the_uncertainty_is_unknown_is_the_reason():
    sides = [measurement([1.0] * 20), measurement([0.0] * 4 + [1.0] * 16, artifact="b")]
    alike = [with_items(side, lambda items: [item.model_copy(update={"cluster": "one"}) for item in items]) for side in sides]
    check = retained(*alike)
    assert check.reason == (
        "the uncertainty is unknown: all items share one cluster, so their spread says nothing about other clusters; evaluate more clusters."
    )
    assert (check.verdict, check.chance_corrected_retention) == ("inconclusive", pytest.approx(0.8))


AGREEMENT = Agreement(source="humans", n=100, accuracy=0.75, interval=(0.66, 0.82), kappa=0.5)


def test_judges_and_floors_bring_the_unanswered_items_of_both_sides_into_the_check():
    before, after = (measurement([1.0] * 100, artifact=mark).model_copy(update={"unanswered": n}) for mark, n in (("a", 3), ("b", 7)))
    assert retained(before, after).unanswered is None
    judged = retained(*(changed(side, judge="rules") for side in (before, after)))
    assert (judged.unanswered, judged.judge) == ((3, 7), "rules")
    agreed = retained(*(changed(side, judge="rules").model_copy(update={"judge_agreement": AGREEMENT}) for side in (before, after)))
    assert agreed.judge_agreement == AGREEMENT
    floored = retained(before, after.model_copy(update={"floors": {"answered": 0.5}}))
    assert (floored.unanswered, floored.floors) == ((3, 7), {"answered": 0.5})


@pytest.mark.parametrize("name", ["toy", "acc"])
def test_an_exception_by_benchmark_or_metric_is_the_margin_of_the_check(name):
    before, after = rates(10, 8, 1000)
    pair = measurement(before), measurement(after, artifact="b")
    assert retained(*pair, policy=Policy(margins={name: 0.2})).margin == 0.2
    assert retained(*pair, policy=Policy(margins={"other": 0.2})).margin == 0.05


def test_a_mismatch_says_which_side_has_what():
    reference, candidate = measurement([1.0] * 20), measurement([1.0] * 20, artifact="b").model_copy(update={"metric": "f1"})
    check = retained(reference, candidate)
    assert (check.verdict, check.reason) == (
        "not_comparable",
        "not comparable: metric is 'acc' in the reference and 'f1' in the candidate",
    )


def test_a_reference_at_chance_keeps_the_interval_at_the_margin_of_its_capability():
    at_chance = measurement([1.0] * 50 + [0.0] * 50).model_copy(update={"chance": 0.5})
    candidate = measurement([0.0] * 10 + [1.0] * 45 + [0.0] * 45, artifact="b").model_copy(update={"chance": 0.5})
    check = retained(at_chance, candidate, policy=Policy(benchmark_margin="5%", capability_margin="2%"))
    assert check.reason.startswith("the reference is at chance")
    assert (check.capability_margin, check.margin) == (pytest.approx(0.01), pytest.approx(0.025))
    assert check.capability_interval[0] < -0.01 < check.capability_interval[1]


@pytest.mark.parametrize(("upper", "state"), [(-0.001, "a drop is detected, its size undecided"), (0.0, "undecided"), (0.01, "undecided")])
def test_a_drop_is_detected_only_by_an_interval_that_lies_below_nothing(upper, state):
    found = stats.Paired(-0.03, 0.02, -0.08, upper, 0.5, "score", 0.05)
    verdict, reason = decide(found, margin=Margin.of(0.05), needed="", metric="acc", alpha=0.05)
    assert (verdict, reason.partition(":")[0]) == ("inconclusive", state)
    assert reason.endswith("on both sides of the 5.0 points allowed")


def test_a_harmful_rate_below_its_chance_can_show_a_loss():
    harmful = {"higher_is_better": False, "chance": 0.9}
    reference = measurement([1.0] * 80 + [0.0] * 20).model_copy(update=harmful)
    check = retained(reference, measurement([1.0] * 82 + [0.0] * 18, artifact="b").model_copy(update=harmful))
    assert "at chance" not in check.reason
    assert check.chance_corrected_retention == pytest.approx((0.9 - 0.82) / (0.9 - 0.8))


def test_a_reference_in_few_clusters_may_be_at_chance_where_its_items_alone_are_not():
    scores = [1.0] * 60 + [0.0] * 40
    alone = [measurement(scores, artifact=mark).model_copy(update={"chance": 0.5}) for mark in "ab"]
    clustered = [
        with_items(side, lambda items: [one.model_copy(update={"cluster": str(place // 20)}) for place, one in enumerate(items)])
        for side in alone
    ]
    assert "at chance" not in retained(*alone).reason
    assert retained(*clustered).reason.startswith("the reference is at chance: 60.0 %")


def test_replies_that_end_in_mid_thought_are_the_reason_for_scores_at_chance():
    def side(mark, unfinished):
        whole = measurement([1.0] * 50 + [0.0] * 50, artifact=mark).model_copy(update={"chance": 0.5})
        reply = Reply(answer="", score=0.0, unfinished=unfinished)
        return with_items(whole, lambda items: [one.model_copy(update={"replies": [reply]}) for one in items])

    assert retained(side("a", True), side("b", True)).reason.startswith("the token limit cuts replies in mid-thought")
    assert retained(side("a", False), side("b", False)).reason.startswith("the reference is at chance")


def test_a_retention_check_names_its_worst_slice():
    assert check_of_slices({2: 12}).worst_slice.name == "part 2"


def test_losses_without_a_bound_have_no_floor_and_one_item_may_lie_at_one():
    nats = {"metric": "nats_per_token", "higher_is_better": False, "chance": None}
    zero = [changed(measurement([0.0] * 20, artifact=mark).model_copy(update=nats), metric="nats_per_token") for mark in "ab"]
    assert "at the floor" not in retained(*zero).reason
    one = [measurement([0.0], artifact=mark).model_copy(update={"chance": None}) for mark in "ab"]
    assert retained(*one).reason == "the reference is at the floor: 0.0 % on all 1 items, so they cannot show a loss"


@pytest.mark.parametrize(
    ("of_capability", "of_benchmark", "own"),
    [(0.03, 0.05, False), (0.03, "5%", True), ("3%", 0.05, True), ("5%", "5%", False), ("3%", "5%", True)],
)
def test_only_a_margin_of_another_kind_or_share_gives_the_capability_an_interval_of_its_own(of_capability, of_benchmark, own):
    before, after = rates(20, 18, 1000)
    policy = Policy(capability_margin=of_capability, benchmark_margin=of_benchmark)
    check = retained(measurement(before), measurement(after, artifact="b"), policy=policy)
    assert (check.capability_interval is not None, check.capability_margin is not None) == (own, own)
