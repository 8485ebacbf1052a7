"""The sequential test: early stopping keeps the error rates, and interval and verdict agree."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats

MARGIN = 0.05


pairs_of_scores = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=150)


def judged(before, after, *, margin=MARGIN, clusters=None, total=None, **more):
    return stats.sequential_difference(
        before, after, clusters, alpha=0.05, total=total or len(before), allowances=[margin] * len(before), allowed=(margin, margin), **more
    )


def test_the_sequential_mode_saves_items_and_keeps_both_error_rates():
    random = np.random.default_rng(7)
    wrong_pass = wrong_fail = 0
    for _ in range(400):
        after = random.choice([-1.0, 0.0, 1.0], size=300, p=[0.125, 0.8, 0.075])
        found = judged((after < 0).astype(float).tolist(), (after > 0).astype(float).tolist())
        wrong_pass += found.verdict == "pass"
        wrong_fail += found.verdict == "fail"
    assert wrong_pass <= 400 * 0.05 + 14
    assert wrong_fail <= 400 * 0.05 + 14
    same = judged([1.0] * 1000, [1.0] * 1000)
    assert same.verdict == "pass"
    assert same.items < 150


@settings(max_examples=60, deadline=None)
@given(pairs_of_scores, st.floats(0.005, 0.4))
def test_interval_and_verdict_agree_wherever_it_stops(pairs, margin):
    before, after = (list(side) for side in zip(*pairs, strict=True))
    found = judged(before, after, margin=margin)
    assert found.found is not None
    lower, upper = found.found.lower, found.found.upper
    assert (lower > -margin, upper < -margin) == (found.verdict == "pass", found.verdict == "fail")
    assert -1.5 <= lower <= found.found.difference <= upper <= 1.5
    assert (found.found.p_value <= (0.05 if not found.final else 0.01)) == (found.verdict == "fail")
    assert 1 <= found.items <= len(pairs)


@settings(max_examples=40, deadline=None)
@given(pairs_of_scores, st.integers(1, 150))
def test_items_after_the_stop_never_change_the_answer(pairs, extra):
    before, after = (list(side) for side in zip(*pairs, strict=True))
    first = judged(before, after, total=len(pairs) + extra)
    if first.verdict is not None:
        assert judged(before + [1.0] * extra, after + [0.0] * extra) == first
    else:
        assert (first.final, first.found) == (False, None)


def test_clusters_are_bet_on_whole_and_must_stay_together():
    before, after = [1.0] * 400, [1.0] * 400
    alone = judged(before, after)
    clusters = [place // 4 for place in range(400)]
    together = judged(before, after, clusters=clusters)
    assert together.items > alone.items
    assert together.items % 4 == 0
    with pytest.raises(UnicompError, match="one after the other"):
        judged(before, after, clusters=[place % 100 for place in range(400)])


def test_what_cannot_be_bet_on_is_refused():
    with pytest.raises(UnicompError, match="scores in"):
        judged([3.0], [1.0])
    with pytest.raises(UnicompError, match="at most all"):
        judged([1.0, 1.0], [1.0, 1.0], total=1)


def test_the_first_item_at_the_threshold_stops_and_none_is_zero():
    path = np.array([-1.0, 0.5, 2.0, 1.0, 3.0])
    assert [stats.crossing(path, level) for level in (-2.0, 0.5, 2.0, 2.5, 3.5)] == [1, 2, 3, 5, 0]


def test_an_early_stop_says_how_many_steps_it_took_and_what_it_was_allowed():
    found = judged([1.0] * 400, [1.0] * 400)
    assert (found.verdict, found.final) == ("pass", False)
    assert found.found.method == f"betting confidence sequence, {found.items} steps"
    assert (found.found.difference, found.found.margin) == (0.0, pytest.approx(MARGIN))
    assert found.found.lower > -MARGIN
    # The capital that refutes a loss of the margin is what the stop needed, no more than an item's worth beyond.
    before = judged([1.0] * (found.items - 1), [1.0] * (found.items - 1), total=400)
    assert (before.verdict, before.items, before.found) == (None, found.items - 1, None)
    lost = judged([1.0] * 400, [0.0] * 100 + [1.0] * 300)
    assert (lost.verdict, lost.found.upper < -MARGIN, lost.found.p_value <= 0.05) == ("fail", True, True)
    assert lost.found.difference == -1.0


def test_the_full_set_is_tested_at_what_is_left_of_alpha():
    before, after = [1.0] * 60, [0.0] * 3 + [1.0] * 57
    found = judged(before, after)
    plain = stats.paired_difference(before, after, alpha=0.01, allowances=[MARGIN] * 60)
    assert (found.final, found.items, found.found) == (True, 60, plain)
    assert found.verdict is None
    half = judged(before, after, share=0.5)
    assert half.found == stats.paired_difference(before, after, alpha=0.025, allowances=[MARGIN] * 60)


def test_a_smaller_share_for_early_stops_needs_more_items():
    early, late = (judged([1.0] * 400, [1.0] * 400, share=share).items for share in (0.9, 0.1))
    assert early < late


def test_the_interval_of_an_early_stop_is_all_that_betting_has_not_refuted():
    found = judged([1.0] * 400, [1.0] * 400)
    n, threshold = found.items, -log(0.8 * 0.05)

    def refuted(level):
        # Against "the mean difference is at most `level`".
        path = stats.capital_paths(np.zeros(n), np.full(n, -level), (-level, -level))[0]
        return bool((path >= threshold).any())

    assert refuted(found.found.lower - 1e-6)
    assert not refuted(found.found.lower + 1e-3)

    def refuted_above(level):
        path = stats.capital_paths(np.zeros(n), np.full(n, -level), (-level, -level))[1]
        return bool((path >= threshold).any())

    assert refuted_above(found.found.upper + 1e-6)
    assert not refuted_above(found.found.upper - 1e-3)


def test_the_p_value_of_an_early_stop_is_that_of_the_capital_against_keeping():
    before = [1.0] * 400
    for after, verdict in ([0.0] * 100 + before[100:], "fail"), (before, "pass"):
        found = judged(before, after)
        differences = np.array(after[: found.items]) - 1.0
        path = stats.capital_paths(differences, np.full(found.items, MARGIN), (MARGIN, MARGIN))[1]
        expected = min(1.0, exp(-path.max()) / 0.8)
        assert found.verdict == verdict
        assert found.found.p_value == pytest.approx(min(expected, 0.05) if verdict == "fail" else expected)
    assert found.found.p_value > 0.05


def test_the_bets_follow_from_the_range_of_the_allowances():
    random = np.random.default_rng(8)
    differences = random.choice([-1.0, 0.0, 1.0], size=40, p=[0.2, 0.7, 0.1])
    for smallest, largest, planned in ((0.02, 0.08, 0.1), (0.4, 0.6, 0.5), (-0.3, -0.1, 0.0)):
        allowances = random.uniform(smallest, largest, size=40)
        middle = (smallest + largest) / 2
        for_pass = stats.log_capital(differences, allowances, lowest=smallest - 1, planned=0.0, prior_allowance=middle)
        for_fail = stats.log_capital(-differences, -allowances, lowest=-largest - 1, planned=planned, prior_allowance=-middle)
        found = stats.capital_paths(differences, allowances, (smallest, largest))
        assert found[0] == pytest.approx(for_pass)
        assert found[1] == pytest.approx(for_fail)


def test_a_cluster_is_one_bet_of_its_share_of_the_largest():
    # 100 clusters of three while one of four is to come, and one cluster that loses an item.
    before = [1.0] * 600
    after = [0.0, *before[1:]]
    found = judged(before, after, clusters=[place // 3 for place in range(600)], largest_cluster=4, total=900)
    sums, sizes = np.array([-0.25] + [0.0] * 199), np.full(200, 0.75)
    threshold = -log(0.8 * 0.05)

    def against(shift, kind):
        # Bounds that include 0, since a smaller cluster pays a share of its allowance.
        ends = (0.0 - shift, MARGIN - shift)
        return stats.capital_paths(sums, (MARGIN - shift) * sizes, ends)[kind]

    stop = stats.crossing(against(0.0, 0), threshold)
    assert (found.verdict, found.items) == ("pass", 3 * stop)
    assert found.found.method == f"betting confidence sequence, {stop} steps"
    assert found.found.difference == pytest.approx(-1 / (3 * stop))
    assert found.found.margin == pytest.approx(MARGIN)
    for bound, kind, outwards in ((found.found.lower, 0, -1), (found.found.upper, 1, 1)):
        assert (against(bound + MARGIN + outwards * 1e-6, kind)[:stop] >= threshold).any()
        assert not (against(bound + MARGIN - outwards * 1e-3, kind)[:stop] >= threshold).any()


@pytest.mark.parametrize("change", [{"total": 0}, {"allowances": [MARGIN]}, {"candidate": [1.0]}])
def test_scores_that_are_no_pairs_or_too_many_are_refused_with_their_numbers(change):
    given = {"reference": [1.0, 1.0], "candidate": [1.0, 1.0], "total": 2, "allowances": [MARGIN] * 2, **change}
    with pytest.raises(UnicompError, match=r"^unicomp: 2 reference, \d candidate scores of \d; expected pairs, at least 1, at most all\.$"):
        stats.sequential_difference(**given, alpha=0.05, allowed=(MARGIN, MARGIN))
    with pytest.raises(UnicompError, match=r"^unicomp: 0 reference"):
        stats.sequential_difference([], [], alpha=0.05, total=2, allowances=[], allowed=(MARGIN, MARGIN))


def test_clusters_smaller_than_the_largest_pay_their_share():
    before = [1.0] * 300
    even = judged(before, before, clusters=[place // 3 for place in range(300)])
    # The same clusters, while a larger one is still to come: each is worth less, so more are needed.
    later = judged(before, before, clusters=[place // 3 for place in range(300)], largest_cluster=4, total=600)
    assert even.verdict == "pass"
    assert later.verdict is None or even.items < later.items


def test_the_full_set_may_still_pass_or_fail_where_no_early_answer_was_found():
    # One item in `every` is lost, evenly: the fewer, the surer that the model is kept.
    found = [judged([1.0] * 600, [0.0 if place % every == every // 2 else 1.0 for place in range(600)]) for every in range(8, 60, 2)]
    found.append(judged([1.0] * 600, [0.0 if place % 13 == 6 else 1.0 for place in range(600)]))
    late = [one for one in found if one.final]
    assert {one.verdict for one in late} == {"pass", "fail", None}
    assert all((one.verdict == "pass", one.verdict == "fail") == (one.found.lower > -MARGIN, one.found.upper < -MARGIN) for one in late)


def test_the_full_set_of_clusters_is_tested_with_them():
    before, after = [1.0] * 60, [0.0] * 3 + [1.0] * 57
    names = [str(place // 3) for place in range(60)]
    found = judged(before, after, clusters=names)
    assert found.final
    assert found.found == stats.paired_difference(before, after, names, alpha=0.01, allowances=[MARGIN] * 60)
    assert found.found.lower < judged(before, after).found.lower


@pytest.mark.parametrize("pair", [([1.5], [1.0]), ([1.0], [1.5]), ([-0.1], [0.0])])
def test_scores_outside_0_to_1_are_refused_in_one_line(pair):
    with pytest.raises(UnicompError, match=r"^unicomp: early stopping needs scores in \[0, 1\]; evaluate all items\.$"):
        judged(*pair)


def test_two_items_of_two_clusters_are_two_bets():
    found = judged([1.0, 1.0], [1.0, 1.0], clusters=["a", "b"], total=400)
    assert (found.verdict, found.items) == (None, 2)
    with pytest.raises(
        UnicompError, match=r"^unicomp: the items of a cluster are not adjacent; early stopping expects them one after the other\.$"
    ):
        judged([1.0] * 3, [1.0] * 3, clusters=["a", "b", "a"], total=400)
