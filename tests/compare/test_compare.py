"""Retention and drift: one test per branch of the rules in docs/verdicts.md."""

from __future__ import annotations

import itertools

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.compare import Policy, accepted, drift, retention, with_floor
from pytest_unicomp.store.baselines import condense
from tests.toys import measurement

POLICY = Policy()


def rates(losses, gains, n, *, right=0.8):
    """Scores of reference and candidate with so many flips; `right` is the share that the reference has right."""
    known = round(n * right)
    before = [1.0] * known + [0.0] * (n - known)
    after = [0.0] * losses + [1.0] * (known - losses) + [1.0] * gains + [0.0] * (n - known - gains)
    return before, after


def retained(reference, candidate, *, policy=POLICY, identical=False):
    return retention(reference, candidate, recipe="toy", family="pruning", gates=True, policy=policy, identical=identical)


def drifted(baseline, current, *, policy=POLICY):
    return drift(baseline, current, recipe="toy", family="pruning", gates=True, policy=policy)


def compared(losses, gains, n, **changes):
    before, after = rates(losses, gains, n)
    reference, candidate = measurement(before), measurement(after, artifact="b" * 8)
    return retained(reference.model_copy(update=changes), candidate.model_copy(update=changes))


def changed(record, **conditions):
    return record.model_copy(update={"conditions": record.conditions.model_copy(update=conditions)})


def with_items(record, change):
    return record.model_copy(update={"items": change(list(record.items))})


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


def test_identical_weights_pass_however_few_items():
    before, _ = rates(0, 0, 10)
    check = retained(measurement(before), measurement(before))
    assert (check.verdict, check.interval) == ("pass", (0.0, 0.0))
    noisy = retained(measurement(before), measurement(before[::-1], artifact="b"), identical=True)
    assert noisy.verdict == "pass"
    assert "not deterministic" in noisy.reason


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


def test_divergence_compares_the_options_and_not_their_scale():
    def scored(logits):
        return lambda items: [item.model_copy(update={"log_probabilities": logits}) for item in items]

    before, after = rates(1, 1, 50)
    reference = with_items(measurement(before), scored([-1.0, -2.0, -3.0]))
    shifted = with_items(measurement(after, artifact="b"), scored([-11.0, -12.0, -13.0]))
    turned = with_items(measurement(after, artifact="b"), scored([-3.0, -2.0, -1.0]))
    assert retained(reference, shifted).divergence.kl_mean == pytest.approx(0, abs=1e-12)
    assert retained(reference, shifted).divergence.top1_agreement == 1
    assert retained(reference, turned).divergence.kl_mean == pytest.approx(1.1504, abs=1e-4)
    assert retained(reference, turned).divergence.top1_agreement == 0
    # Equal distributions are no rate of 0 %: nothing is uncertain about them.
    assert retained(reference, shifted).divergence.kl_stderr == pytest.approx(0, abs=1e-9)
    # The first option led by 1 nat, and lies 2 behind the new first one.
    assert retained(reference, turned).divergence.margin_shrinkage == pytest.approx(1 + 2)
    assert retained(reference, shifted).divergence.margin_shrinkage == pytest.approx(0, abs=1e-12)
    assert retained(reference, measurement(after, artifact="b")).divergence is None


def test_items_that_neither_side_could_score_are_left_out_and_counted():
    check = retained(measurement([1.0] * 200 + [None] * 3), measurement([1.0] * 200 + [None] * 3, artifact="b"))
    assert (check.verdict, check.n) == ("pass", 200)
    assert "3 items that neither side could score" in check.reason


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
            "have a score in the reference but none in the candidate: toy/0",
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


@pytest.mark.parametrize(
    ("losses", "gains", "n", "verdict", "words"),
    [
        (0, 0, 10, "pass", "identical evidence"),
        (3, 2, 1000, "pass", "as before"),
        (80, 5, 1000, "fail", "worse than the baseline"),
        (5, 80, 1000, "pass", "improved"),
        (20, 4, 1000, "inconclusive", "a drop is detected"),
        (4, 20, 1000, "inconclusive", "undecided"),
    ],
)
def test_drift_is_two_sided_equivalence(losses, gains, n, verdict, words):
    before, after = rates(losses, gains, n)
    check = drifted(measurement(before), measurement(after))
    assert (check.verdict, check.question, check.margin) == (verdict, "drift", 0.02)
    assert words in check.reason


def test_drift_names_what_changed_and_is_not_stopped_by_it():
    current = measurement(SCORES, artifact="b" * 20).model_copy(update={"versions": {"torch": "2.14.0", "new": "1"}, "machine": "other"})
    check = drifted(measurement(SCORES), current)
    assert check.verdict == "pass"
    assert check.changes == [
        "new: absent -> 1",
        "torch: 2.13.0 -> 2.14.0",
        "machine: toy machine -> other",
        "weights: aaaaaaaa -> bbbbbbbbbbbb",
    ]


def test_other_answers_with_the_same_scores_are_not_identical_evidence():
    before = measurement([1.0] * 20, answers=["A"] * 20)
    check = drifted(before, measurement([1.0] * 20, answers=["B"] * 20))
    assert check.verdict == "inconclusive"


@pytest.mark.parametrize("settings", [{"alpha": 0.0}, {"alpha": 0.5}, {"capability_margin": -0.1}, {"drift_margin": float("nan")}])
def test_a_policy_without_meaning_is_refused(settings):
    with pytest.raises(UsageProblem, match=next(iter(settings))):
        Policy(**settings)


def test_long_answers_that_were_stored_shortened_are_still_the_same_answers():
    long = ["wrong " * 100] * 30
    fresh = measurement([0.0] * 30, answers=long)
    stored = condense(fresh)
    assert retained(stored, fresh.model_copy(update={"artifact": "b"})).flips.changed == 0
    assert drifted(stored, fresh).reason.startswith("identical evidence")
    other = measurement([0.0] * 30, answers=[f"{text}!" for text in long], artifact="b")
    assert retained(stored, other).flips.changed == 30


def test_a_rate_of_all_or_none_has_a_standard_error_too():
    everything, nothing = measurement([1.0] * 100), measurement([0.0] * 100, artifact="b")
    check = retained(everything, nothing)
    # Two successes and two failures added: sqrt(2/104 * 102/104 / 104).
    assert check.reference.stderr == check.candidate.stderr == pytest.approx(0.013466, abs=1e-6)


def test_a_baseline_at_chance_cannot_show_a_loss():
    guessing = measurement([1.0, 0.0, 0.0, 0.0] * 50).model_copy(update={"chance": 0.25})
    check = drifted(guessing, measurement([0.0, 0.0, 0.0, 1.0] * 50, artifact="b"))
    assert check.verdict == "inconclusive"
    assert "the baseline cannot show a loss: it is at chance" in check.reason


def test_small_losses_that_each_pass_against_the_last_release_add_up_against_the_original():
    """Two references at once: the stored evidence of the last release, and the model that everything was made from."""
    releases = [measurement([0.0] * (8 * step) + [1.0] * (1000 - 8 * step), artifact=str(step)) for step in range(13)]
    drifts = [drifted(before, after).verdict for before, after in itertools.pairwise(releases)]
    assert set(drifts) == {"pass"}
    kept = [retained(releases[0], release).verdict for release in releases]
    assert (kept[1], kept[-1]) == ("pass", "fail")


def test_flips_that_the_reference_makes_alone_are_their_floor():
    before, after = rates(10, 2, 100)
    reference = measurement(before)
    check = with_floor(retained(reference, measurement(after, artifact="b")), measurement([0.0, *before[1:]]), reference)
    assert check.flips.floor == 0.01
    other = measurement(before)
    elsewhere = other.model_copy(update={"conditions": other.conditions.model_copy(update={"dtype": "bfloat16"})})
    assert with_floor(retained(reference, measurement(after, artifact="b")), elsewhere, reference).flips.floor is None


def test_an_accepted_change_passes_and_keeps_what_it_would_have_been():
    check = drifted(measurement([1.0] * 90 + [0.0] * 10), measurement([1.0] * 50 + [0.0] * 50, artifact="b"))
    assert (check.verdict, check.accepted) == ("fail", False)
    passed = accepted(check)
    assert (passed.verdict, passed.accepted, passed.difference) == ("pass", True, check.difference)
    assert passed.reason == f"baseline rewritten on request; before that: fail: {check.reason}"
