"""Divergence of answer options and of next tokens."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.compare.divergence import divergence
from tests.compare.toy_pairs import rates, retained, with_items
from tests.toys import item, measurement


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


def listed(probabilities, most):
    """The likeliest tokens of a distribution with their log-probabilities, best first."""
    ranked = sorted(enumerate(probabilities), key=lambda pair: (-pair[1], pair[0]))[:most]
    return [(token, math.log(probability)) for token, probability in ranked]


def pair(*positions, name="a"):
    before, after = zip(*positions, strict=True)
    text = item(name, 1.0)
    return text.model_copy(update={"top_tokens": list(before)}), text.model_copy(update={"top_tokens": list(after)})


weights = st.lists(st.floats(0.001, 1), min_size=12, max_size=12).map(lambda found: [value / sum(found) for value in found])


def test_tokens_that_both_sides_list_are_told_apart_and_the_rest_is_one_bucket():
    old, new = [0.5, 0.3, 0.1, 0.1], [0.25, 0.3, 0.05, 0.4]
    # Shared among the two best of each: token 1 alone (0.3 and 0.3); the rest holds 0.7 on both sides.
    assert divergence([pair((listed(old, 2), listed(new, 2)))]).kl_mean == pytest.approx(0, abs=1e-9)
    exact = sum(one * math.log(one / other) for one, other in zip(old, new, strict=True))
    found = divergence([pair((listed(old, 4), listed(new, 4)))])
    assert (found.over, found.kl_mean) == ("tokens", pytest.approx(exact, abs=1e-6))
    assert (found.top1_agreement, found.margin_shrinkage) == (0.0, None)


def test_texts_are_the_unit_of_the_error_not_their_positions():
    same, other = listed([0.6, 0.4], 2), listed([0.4, 0.6], 2)
    pairs = [pair((same, same), (same, same), name="a"), pair((same, other), (same, other), name="b")]
    distance = 0.6 * math.log(0.6 / 0.4) + 0.4 * math.log(0.4 / 0.6)
    found = divergence(pairs)
    assert found.kl_mean == pytest.approx(distance / 2, abs=1e-6)
    # Two texts, 0 and distance: the sample's standard deviation over the root of two.
    assert found.kl_stderr == pytest.approx(distance / 2, abs=1e-6)
    assert found.top1_agreement == 0.5


@given(weights, weights, st.integers(1, 12))
def test_it_never_exceeds_the_divergence_over_the_whole_vocabulary(old, new, most):
    exact = sum(one * math.log(one / other) for one, other in zip(old, new, strict=True))
    found = divergence([pair((listed(old, most), listed(new, most)))]).kl_mean
    assert 0 <= found <= exact + 1e-6


def test_agreement_over_texts_has_the_error_of_a_rate_and_a_shorter_list_counts_as_far_as_it_goes():
    same, other = listed([0.6, 0.4], 2), listed([0.4, 0.6], 2)
    pairs = [pair((same, same), name=str(place)) for place in range(9)] + [pair((same, other), name="last")]
    found = divergence(pairs)
    assert found.top1_agreement == pytest.approx(0.9)
    assert 0.05 < found.top1_stderr < 0.2
    # All agree, and the error of a rate of 1 is not 0.
    assert divergence(pairs[:9]).top1_stderr > 0.02
    text = item("a", 1.0)
    longer, shorter = text.model_copy(update={"top_tokens": [same, other]}), text.model_copy(update={"top_tokens": [same]})
    assert divergence([(longer, shorter)]).kl_mean == divergence([pair((same, same))]).kl_mean


def test_what_only_one_side_lists_is_in_the_bucket_of_both():
    # Shared is token 0: 0.9 and 0.1, so the buckets hold 0.1 and 0.9.
    old, new = [(0, math.log(0.9)), (1, math.log(0.1))], [(0, math.log(0.1)), (2, math.log(0.9))]
    expected = 0.9 * math.log(0.9 / 0.1) + 0.1 * math.log(0.1 / 0.9)
    assert divergence([pair((old, new))]).kl_mean == pytest.approx(expected, abs=1e-6)


def chosen(*options):
    """Pairs of items with these log-probabilities of their options before and after."""
    made = []
    for place, (before, after) in enumerate(options):
        one = item(str(place), 1.0)
        made.append((one.model_copy(update={"log_probabilities": before}), one.model_copy(update={"log_probabilities": after})))
    return made


def test_items_with_two_options_on_both_sides_count_and_others_do_not():
    two = ([math.log(0.75), math.log(0.25)], [math.log(0.5), math.log(0.5)])
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert divergence(chosen(two)).kl_mean == pytest.approx(expected)
    others = chosen(([-1.0], [-2.0]), ([-1.0, -2.0], [-1.0, -2.0, -3.0]))
    assert divergence(others) is None
    assert divergence([*chosen(two), *others]) == divergence(chosen(two))


def test_agreement_of_options_has_the_error_of_a_rate_and_shrinkage_that_of_a_mean():
    # The first option leads by 2 nats on every item; after, by 0 to 3 nats, and one is chosen differently.
    leads = [0.5, 1.0, 2.0, 3.0, -1.0]
    found = divergence(chosen(*(([0.0, -2.0], [0.0, -lead]) for lead in leads)))
    lost = [2 - lead for lead in leads]
    mean = sum(lost) / 5
    assert found.top1_agreement == pytest.approx(0.8)
    assert found.top1_stderr == pytest.approx((0.8 * 0.2 / 4) ** 0.5)
    assert found.margin_shrinkage == pytest.approx(mean)
    assert found.margin_shrinkage_stderr == pytest.approx((sum((one - mean) ** 2 for one in lost) / 4 / 5) ** 0.5)
    # All agree: the error of a rate of 1 is not 0 (two successes and two failures are added), that of equal leads is.
    same = divergence(chosen(*[([0.0, -2.0], [0.0, -1.0])] * 5))
    assert same.top1_stderr == pytest.approx((2 / 9 * 7 / 9 / 9) ** 0.5)
    assert same.margin_shrinkage_stderr == pytest.approx(0, abs=1e-9)


def test_a_text_with_tokens_on_one_side_alone_is_left_out():
    same = listed([0.6, 0.4], 2)
    before, after = pair((same, same))
    assert divergence([(before, after.model_copy(update={"top_tokens": None}))]) is None
    assert divergence([(before.model_copy(update={"top_tokens": None}), after)]) is None
