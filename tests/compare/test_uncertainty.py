"""Brier score, calibration error and conformal set size, paired."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.records import Item
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.uncertainty import FEWEST, uncertainty
from tests.toys import item


def asked(place: int, probabilities: list[float], right: int | None) -> Item:
    logs = [math.log(value) for value in probabilities]
    return item(f"a/{place}", 1.0).model_copy(update={"log_probabilities": logs, "right": right})


def drawn(seed: int, count: int, sharpen: float) -> list[Item]:
    """Items whose right option is drawn from a distribution, of which the model states the power `sharpen`, renormalized."""
    generator = random.Random(seed)
    found = []
    for place in range(count):
        weights = [generator.random() ** 2 + 0.01 for _ in range(4)]
        [right] = generator.choices(range(4), weights)
        stated = [weight**sharpen for weight in weights]
        found.append(asked(place, [value / sum(stated) for value in stated], right))
    return found


def test_a_candidate_that_is_too_sure_is_found_in_all_three_measures() -> None:
    found = uncertainty(list(zip(drawn(1, 1500, 1), drawn(1, 1500, 4), strict=True)), None, alpha=0.05)
    assert found is not None
    assert found.n == 1500
    assert abs(found.calibration_error.reference) < 0.02
    assert found.calibration_error.candidate > 0 > found.calibration_error.reference
    for change in (found.brier, found.calibration_error):
        assert change.interval is not None
        assert 0 < change.interval[0] < change.difference < change.interval[1]
    assert found.set_size.reference == pytest.approx(2.4, abs=0.3)


def test_equal_sides_differ_by_nothing() -> None:
    items = drawn(2, 200, 1)
    found = uncertainty(list(zip(items, items, strict=True)), None, alpha=0.05)
    assert found is not None
    assert (found.brier.difference, found.calibration_error.difference, found.set_size.difference) == (0, 0, 0)


def test_only_items_with_one_right_option_known_on_both_sides_count() -> None:
    items = drawn(3, FEWEST + 5, 1)
    without = [one.model_copy(update={"right": None}) if place < 5 else one for place, one in enumerate(items)]
    found = uncertainty(list(zip(items, without, strict=True)), None, alpha=0.05)
    assert found is not None
    assert found.n == FEWEST
    assert uncertainty(list(zip(items, without, strict=True))[1:-1], None, alpha=0.05) is None
    assert uncertainty([], None, alpha=0.05) is None


def test_items_of_one_cluster_have_no_interval_and_still_a_difference() -> None:
    items, sharper = drawn(4, 100, 1), drawn(4, 100, 3)
    found = uncertainty(list(zip(items, sharper, strict=True)), ["one"] * 100, alpha=0.05)
    assert found is not None
    assert found.brier.interval is None
    assert found.brier.difference != 0
    assert found.calibration_error is None


def test_items_that_share_an_outcome_are_not_taken_for_a_calibration_error() -> None:
    """Every ten items have one stated distribution and one outcome drawn from it: calibrated, and neighbours always err together."""
    generator = random.Random(5)
    found = []
    for number in range(200):
        stated = [value / 100 for value in generator.choice(([70, 30], [20, 80], [55, 45]))]
        [right] = generator.choices((0, 1), stated)
        found += [asked(10 * number + place, stated, right) for place in range(10)]
    pairs = list(zip(found, found, strict=True))
    apart = uncertainty(pairs, [f"cluster {place // 10}" for place in range(2000)], alpha=0.05)
    alone = uncertainty(pairs, None, alpha=0.05)
    assert apart.calibration_error.reference == pytest.approx(0, abs=0.06)
    assert alone.calibration_error.reference > 0.3


@given(st.integers(0, 10**6), st.floats(0.3, 3))
def test_the_interval_holds_the_difference_and_turns_with_the_sides(seed: int, sharpen: float) -> None:
    one, other = drawn(seed, 60, 1), drawn(seed, 60, sharpen)
    first = uncertainty(list(zip(one, other, strict=True)), None, alpha=0.05)
    second = uncertainty(list(zip(other, one, strict=True)), None, alpha=0.05)
    assert first is not None
    assert second is not None
    for name in ("brier", "calibration_error", "set_size"):
        change, turned = getattr(first, name), getattr(second, name)
        assert change.difference == pytest.approx(-turned.difference, abs=1e-12)
        assert change.difference == pytest.approx(change.candidate - change.reference)
        if change.interval is not None:
            assert change.interval[0] - 1e-9 <= change.difference <= change.interval[1] + 1e-9


def test_evidence_without_the_right_option_is_written_as_before() -> None:
    assert "right" not in item("a", 1.0).model_dump(mode="json")
    assert item("a", 1.0).model_copy(update={"right": 2}).model_dump(mode="json")["right"] == 2
    assert Item.model_validate(item("a", 1.0).model_dump(mode="json")) == item("a", 1.0)


def test_items_of_few_clusters_make_every_measure_less_certain() -> None:
    names = [str(place // 10) for place in range(200)]
    items, sharper = drawn(7, 200, 1), drawn(7, 200, 4)
    # Sharper in half of the clusters alone, so that clusters differ.
    after = [new if place // 10 % 2 else old for place, (old, new) in enumerate(zip(items, sharper, strict=True))]
    pairs = list(zip(items, after, strict=True))
    alone, together = uncertainty(pairs, None, alpha=0.05), uncertainty(pairs, names, alpha=0.05)
    assert alone is not None
    assert together is not None
    for name in ("brier", "set_size"):
        one, other = getattr(alone, name), getattr(together, name)
        assert one.difference == other.difference
        assert other.interval[1] - other.interval[0] > 1.1 * (one.interval[1] - one.interval[0])


def test_a_right_option_that_is_not_among_the_options_is_not_known() -> None:
    items = drawn(8, FEWEST, 1)
    beyond = [one.model_copy(update={"right": 4}) for one in items]
    assert uncertainty(list(zip(items, items, strict=True)), None, alpha=0.05) is not None
    assert uncertainty(list(zip(beyond, beyond, strict=True)), None, alpha=0.05) is None


def test_measures_that_all_lie_between_0_and_1_have_the_interval_of_unbounded_scores() -> None:
    # Two options each: Brier scores of 2 (1 - p)^2, at most 1 here.
    def stated(first: float) -> list[Item]:
        return [asked(place, [first + 0.001 * (place % 7), 1 - first - 0.001 * (place % 7)], 0) for place in range(60)]

    found = uncertainty(list(zip(stated(0.6), stated(0.7), strict=True)), None, alpha=0.05)
    assert found is not None
    before, after = ([2 * (1 - first - 0.001 * (place % 7)) ** 2 for place in range(60)] for first in (0.6, 0.7))
    expected = stats.paired_difference(before, after, alpha=0.05, bounded=False)
    assert found.brier.interval == pytest.approx((expected.lower, expected.upper))
    assert expected.lower != pytest.approx(stats.paired_difference(before, after, alpha=0.05).lower)
