"""Which part of a model carries a loss, from likelihoods of the same items."""

from __future__ import annotations

import random

import pytest
from scipy import stats as scipy_stats

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare.located_loss import carried_by, loss, parts_of_loss

REFERENCE = [1.0, 1.2, 0.9, 1.1, 1.0, 0.8, 1.3, 1.1]
CANDIDATE = [0.0, 0.3, -0.2, 0.1, 0.1, -0.3, 0.2, 0.2]


def halfway(share):
    return [after + share * (before - after) for before, after in zip(REFERENCE, CANDIDATE, strict=True)]


def test_a_part_that_brings_all_back_has_the_whole_share():
    whole, half, nothing = parts_of_loss(
        REFERENCE, CANDIDATE, {"all": REFERENCE, "half": halfway(0.5), "none": CANDIDATE}, None, alpha=0.05
    )
    assert (whole.share, half.share, nothing.share) == (pytest.approx(1), pytest.approx(0.5), 0)
    assert whole.recovered == pytest.approx(1.0)
    assert whole.interval[0] < whole.recovered < whole.interval[1]


def test_a_part_that_makes_it_worse_has_a_negative_share():
    (worse,) = parts_of_loss(REFERENCE, CANDIDATE, {"worse": halfway(-0.25)}, None, alpha=0.05)
    assert worse.share == pytest.approx(-0.25)


def test_the_loss_is_reference_minus_candidate_with_an_interval():
    value, (low, high) = loss(REFERENCE, CANDIDATE, None, alpha=0.05)
    assert value == pytest.approx(1.0)
    assert low < 1.0 < high


def test_nothing_lost_has_no_parts():
    with pytest.raises(UnicompError, match="no loss to locate"):
        parts_of_loss(CANDIDATE, REFERENCE, {"block 1": CANDIDATE}, None, alpha=0.05)


def test_the_best_part_comes_first_and_what_is_clearly_worse_does_not_carry_the_loss():
    assert carried_by({"block 1": halfway(0.1), "block 2": halfway(0.9)}, None, alpha=0.05) == ["block 2"]


def test_parts_that_cannot_be_told_apart_are_all_named():
    jitter = [value + (0.4 if place % 2 else -0.38) for place, value in enumerate(halfway(0.8))]
    assert carried_by({"block 1": jitter, "block 2": halfway(0.78)}, None, alpha=0.05) == ["block 1", "block 2"]


def test_parts_that_do_the_same_are_told_apart_by_nothing():
    assert carried_by({"block 1": halfway(0.5), "block 2": halfway(0.5)}, None, alpha=0.05) == ["block 1", "block 2"]


def test_items_of_one_cluster_count_less():
    clusters = ["a", "a", "b", "b", "c", "c", "d", "d"]
    drawn = random.Random(1)
    shared = {name: drawn.uniform(-1, 1) for name in "abcd"}
    noisy = [value + shared[name] for value, name in zip(halfway(0.5), clusters, strict=True)]
    (alone,) = parts_of_loss(REFERENCE, CANDIDATE, {"part": noisy}, None, alpha=0.05)
    (clustered,) = parts_of_loss(REFERENCE, CANDIDATE, {"part": noisy}, clusters, alpha=0.05)
    assert clustered.interval[1] - clustered.interval[0] > alone.interval[1] - alone.interval[0]


def test_equal_parts_lose_their_place_beside_the_best_in_at_most_alpha_of_the_runs():
    drawn = random.Random(3)
    runs, parts, wrong = 400, 6, 0
    for _ in range(runs):
        # The first part is the true best by nothing: whichever comes out best by chance, part 0 must stay beside it.
        restored = {f"block {part}": [drawn.gauss(0.5, 1) for _ in range(24)] for part in range(parts)}
        wrong += "block 0" not in carried_by(restored, None, alpha=0.05)
    assert wrong / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


def test_the_interval_is_students_two_sided_at_twice_alpha():
    value, interval = loss(REFERENCE, CANDIDATE, None, alpha=0.05)
    lost = [before - after for before, after in zip(REFERENCE, CANDIDATE, strict=True)]
    expected = scipy_stats.ttest_1samp(lost, 0.0).confidence_interval(0.9)
    assert interval == pytest.approx((expected.low, expected.high))
    (whole,) = parts_of_loss(REFERENCE, CANDIDATE, {"all": REFERENCE}, None, alpha=0.05)
    assert (whole.recovered, whole.interval) == (pytest.approx(value), pytest.approx(interval))


@pytest.mark.parametrize("unit", [0.1, 3.0])
def test_shares_do_not_depend_on_the_unit_of_the_likelihoods(unit):
    def scaled(values):
        return [unit * value for value in values]

    (part,) = parts_of_loss(scaled(REFERENCE), scaled(CANDIDATE), {"half": scaled(halfway(0.5))}, None, alpha=0.05)
    assert (part.share, part.recovered) == (pytest.approx(0.5), pytest.approx(0.5 * unit))


def test_the_same_likelihoods_are_no_loss():
    with pytest.raises(UnicompError, match=r"not below the reference's \(\+0\.000 nats\)"):
        parts_of_loss(REFERENCE, REFERENCE, {"block 1": REFERENCE}, None, alpha=0.05)


def test_a_loss_of_whole_clusters_is_less_certain_than_one_of_as_many_items():
    clusters = ["a", "a", "b", "b", "c", "c", "d", "d"]
    reference = [1.0, 1.0, 0.2, 0.2, 0.6, 0.6, 0.9, 0.9]
    value, alone = loss(reference, [0.0] * 8, None, alpha=0.05)
    same, together = loss(reference, [0.0] * 8, clusters, alpha=0.05)
    assert value == same
    assert together[1] - together[0] > 1.2 * (alone[1] - alone[0])
    # The other part brings back less in three clusters and more in one: told apart by eight items, not by four clusters.
    other = [0.5, 0.5, -0.1, -0.1, 0.2, 0.2, 1.0, 1.0]
    assert carried_by({"best": reference, "other": other}, None, alpha=0.05) == ["best"]
    assert carried_by({"best": reference, "other": other}, clusters, alpha=0.05) == ["best", "other"]


def test_a_part_that_brings_back_the_same_amount_less_of_every_item_is_told_apart_for_sure():
    assert carried_by({"less": [0.5] * 8, "more": [0.75] * 8}, None, alpha=0.001) == ["more"]


def test_lists_of_different_lengths_are_never_cut_to_the_shorter():
    short = REFERENCE[:-1]
    for call in (
        lambda: parts_of_loss(REFERENCE, CANDIDATE[:-1], {}, None, alpha=0.05),
        lambda: parts_of_loss(REFERENCE, CANDIDATE, {"block 1": short}, None, alpha=0.05),
        lambda: loss(short, CANDIDATE, None, alpha=0.05),
        lambda: carried_by({"block 1": REFERENCE, "block 2": short}, None, alpha=0.05),
    ):
        with pytest.raises(ValueError, match=r"shorter|longer"):
            call()


def test_without_a_part_nothing_carries_the_loss():
    assert carried_by({}, None, alpha=0.05) == []
