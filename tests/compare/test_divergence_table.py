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
