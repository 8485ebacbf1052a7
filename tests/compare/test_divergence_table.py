"""The divergence table beside SciPy's entropy and numpy's percentiles, in both directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from pytest_unicomp.api.records import Item
from pytest_unicomp.compare.divergence import divergence
from pytest_unicomp.compare.divergence_table import divergence_table
from pytest_unicomp.compare.divergent_replies import divergent_replies
from tests.toys import item

distributions = st.lists(st.floats(0.01, 1), min_size=4, max_size=4).map(lambda found: [value / sum(found) for value in found])
pairs_of = st.lists(st.tuples(distributions, distributions), min_size=1, max_size=20)


def optioned(place: int, probabilities: list[float]) -> Item:
    return item(str(place), 1.0).model_copy(update={"log_probabilities": [math.log(value) + 3 for value in probabilities]})


@given(pairs_of)
def test_every_row_is_that_of_scipy_and_numpy(found: list[tuple[list[float], list[float]]]) -> None:
    pairs = [(optioned(place, old), optioned(place, new)) for place, (old, new) in enumerate(found)]
    table = divergence_table(pairs)
    assert table is not None
    assert (table.over, table.n) == ("options", len(found))
    forward = [float(entropy(old, new)) for old, new in found]
    assert table.kl_mean == pytest.approx(np.mean(forward), abs=1e-9)
    assert table.kl_reverse_mean == pytest.approx(np.mean([entropy(new, old) for old, new in found]), abs=1e-9)
    assert [table.kl_percentiles[name] for name in ("50", "90", "99", "99.9")] == pytest.approx(
        np.percentile(forward, [50, 90, 99, 99.9]), abs=1e-9
    )
    shifts = [new[int(np.argmax(old))] - max(old) for old, new in found]
    assert table.shift_mean == pytest.approx(np.mean(shifts), abs=1e-9)
    assert table.shift_rms == pytest.approx(np.sqrt(np.mean(np.square(shifts))), abs=1e-9)
    assert table.same_top == np.mean([np.argmax(old) == np.argmax(new) for old, new in found])
    plain = divergence(pairs)
    assert plain is not None
    assert (table.kl_mean, table.same_top) == pytest.approx((plain.kl_mean, plain.top1_agreement))
    assert table.perplexity_ratio is None


def text(name: str, nats: float, *tokens: dict[int, float]) -> Item:
    listed = [sorted(((token, math.log(value)) for token, value in row.items()), key=lambda pair: -pair[1]) for row in tokens]
    return item(name, nats).model_copy(update={"top_tokens": listed})


def test_texts_give_a_row_for_each_position_and_the_ratio_of_perplexities() -> None:
    before = [text("a", 2.0, {1: 0.7, 2: 0.3}, {1: 0.9, 3: 0.1}), text("b", 3.0, {5: 0.6, 6: 0.4})]
    after = [text("a", 2.1, {1: 0.5, 2: 0.5}, {4: 0.8, 3: 0.2}), text("b", 3.3, {5: 0.6, 6: 0.4})]
    table = divergence_table(list(zip(before, after, strict=True)))
    assert table is not None
    assert (table.over, table.n) == ("tokens", 3)
    # The candidate does not list token 1 at the second position: its probability counts as 0.
    assert table.shift_percentiles["0"] == pytest.approx(-0.9)
    assert table.shift_mean == pytest.approx((-0.2 - 0.9 + 0) / 3)
    assert table.same_top == pytest.approx(2 / 3)
    assert table.perplexity_ratio == pytest.approx(math.exp(0.2))
    assert table.perplexity_ratio_stderr == pytest.approx(math.exp(0.2) * 0.1)


def test_a_text_of_which_nothing_is_uncertain_counts_like_any_other() -> None:
    row = {1: 0.7, 2: 0.3}
    certain, uncertain = text("a", 0.0, row), text("a", 0.5, row)
    for before, after, ratio in ((certain, uncertain, math.exp(0.5)), (uncertain, certain, math.exp(-0.5))):
        table = divergence_table([(before, after)])
        assert table is not None
        assert table.perplexity_ratio == pytest.approx(ratio)


def test_a_text_whose_tokens_one_side_did_not_keep_is_in_no_row() -> None:
    row = {1: 0.7, 2: 0.3}
    whole, bare = text("a", 1.0, row), item("a", 9.0)
    both = (text("b", 1.0, row), text("b", 1.2, row))
    assert divergence_table([(whole, bare)]) is divergence_table([(bare, whole)]) is None
    assert divergence_table([both, (whole, bare), (bare, whole)]) == divergence_table([both])


def test_two_options_are_a_row_and_one_is_none() -> None:
    two, one = (optioned(0, [0.75, 0.25]), optioned(0, [0.5, 0.5])), (optioned(1, [1.0]), optioned(1, [1.0]))
    table = divergence_table([two])
    assert table is not None
    assert (table.n, table.over) == (1, "options")
    assert divergence_table([one]) is None
    assert divergence_table([two, one]) == table


def test_options_are_compared_where_no_text_has_tokens_on_both_sides_and_else_texts_alone() -> None:
    row = {1: 0.7, 2: 0.3}
    options, bare = (optioned(0, [0.75, 0.25]), optioned(0, [0.5, 0.5])), item("a", 1.0)
    for one_sided in ((text("a", 1.0, row), bare), (bare, text("a", 1.0, row))):
        assert divergence_table([options, one_sided]) == divergence_table([options])
    both = (text("b", 1.0, row), text("b", 1.2, row))
    assert divergence_table([options, both]) == divergence_table([both])


def test_a_text_of_which_one_side_kept_more_positions_counts_as_far_as_both_go() -> None:
    row = {1: 0.7, 2: 0.3}
    long, short = text("a", 1.0, row, {1: 0.2, 2: 0.8}), text("a", 1.0, row)
    assert divergence_table([(long, short)]) == divergence_table([(short, long)]) == divergence_table([(short, short)])


def test_items_without_distributions_have_no_table() -> None:
    assert divergence_table([(item("a", 1.0), item("a", 0.0))]) is None
    assert divergence_table([]) is None


def replied(*texts: str) -> list[Item]:
    return [item(str(place), 1.0, answer=answer) for place, answer in enumerate(texts)]


def test_replies_part_at_the_first_word_that_differs() -> None:
    before = replied("the cat sat on the mat", "yes", "a b c d", "same  words", "one two")
    after = replied("the cat lay on the mat", "no", "a b c d e", "same words", "one two")
    found = divergent_replies(list(zip(before, after, strict=True)))
    assert found is not None
    assert (found.n, found.same) == (5, 0.4)
    assert found.first_difference_median == 2
    assert found.kept_mean == pytest.approx((2 / 6 + 0 + 1 + 1 + 1) / 5)


def test_the_share_of_same_replies_has_the_error_of_a_rate() -> None:
    texts = replied("a", "b", "c", "d")
    some, all_same = (
        divergent_replies(list(zip(texts, replied("a", "b", "c", "x"), strict=True))),
        divergent_replies([(one, one) for one in texts]),
    )
    assert some is not None
    assert all_same is not None
    assert (some.same, some.same_stderr) == (0.75, pytest.approx((0.75 * 0.25 / 3) ** 0.5))
    # Two successes and two failures more, where the usual error is 0.
    assert (all_same.same, all_same.same_stderr) == (1.0, pytest.approx((2 / 8 * 6 / 8 / 8) ** 0.5))
    assert (all_same.first_difference_median, all_same.kept_mean) == (None, 1.0)


@pytest.mark.parametrize(
    ("before", "after", "kept"), [("yes", "yes sir", 1.0), ("yes sir", "yes", 0.5), ("yes", "no", 0.0), (" ", "no", 0.0)]
)
def test_a_reply_is_kept_as_far_as_the_reference_goes(before: str, after: str, kept: float) -> None:
    found = divergent_replies(list(zip(replied(before), replied(after), strict=True)))
    assert found is not None
    assert (found.same, found.kept_mean) == (0.0, kept)


words = st.lists(st.sampled_from("abc"), min_size=1, max_size=6).map(" ".join)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=10))
def test_where_replies_part_does_not_depend_on_who_is_the_reference(texts: list[tuple[str, str]]) -> None:
    before, after = replied(*[one for one, _ in texts]), replied(*[other for _, other in texts])
    forth, back = divergent_replies(list(zip(before, after, strict=True))), divergent_replies(list(zip(after, before, strict=True)))
    assert forth is not None
    assert back is not None
    assert (forth.same, forth.first_difference_median) == (back.same, back.first_difference_median)
    assert forth.same == sum(one == other for one, other in texts) / len(texts)
    assert 0 <= forth.kept_mean <= 1


def test_items_with_options_have_no_replies_that_part() -> None:
    assert divergent_replies([(optioned(0, [0.5, 0.5]), optioned(0, [0.5, 0.5]))]) is None
    assert divergent_replies([(item("a", 1.0), item("a", 1.0))]) is None
