"""The simulations of error rates must reach the verdicts of the package itself, go on where they stopped, and count what they keep."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.rates import draw, evidence, gate, grid, latency, measure, page, replies, stopping
from benchmarks.rates.cells import KINDS, Cell, cells
from pytest_unicomp import compare
from pytest_unicomp.api.records import Reply
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.replies import replies as compare_replies
from tests.toys import item, measurement


@pytest.mark.parametrize(("clusters", "correlation"), [("none", 0.0), (12, 0.3), ("half", 0.1)])
@pytest.mark.parametrize("kind", ["0/1", "partial credit"])
def test_early_stopping_is_simulated_by_its_own_rule(clusters, correlation, kind):
    cell = stopping.alone(Cell(120, clusters, correlation, kind, 0.2))
    random = np.random.default_rng(3)
    found = draw.sums(cell, 0.1, 6, random)
    net, sizes = stopping.shuffled(found, random)
    decided, used = stopping.decide(cell, found, net, sizes)
    for row in range(6):
        # Each cluster's net difference, spread evenly over its items, bets the same; the full set is tested elsewhere.
        names = np.repeat(np.arange(len(sizes[row])), sizes[row])
        change = (net[row] / sizes[row])[names]
        before = np.maximum(-change, 0.0)
        early = stats.sequential_difference(
            before.tolist(),
            (before + change).tolist(),
            None if clusters == "none" else names.tolist(),
            alpha=measure.ALPHA,
            total=cell.n + 1,
            allowances=[cell.margin] * cell.n,
            allowed=(cell.margin, cell.margin),
        )
        assert used[row] == early.items
        assert early.verdict in (None, "pass" if decided.passes[row] else "fail")


@pytest.mark.parametrize("kind", KINDS)
def test_draws_lose_just_what_is_named(kind):
    cell = Cell(400, 12, 0.1, kind, 0.2)
    random = np.random.default_rng(5)
    if kind == "unbounded":
        before, after, _ = draw.scores(cell, cell.margin, 2000, random)
        loss, flips = (before - after).mean(), (before != after).mean()
    else:
        found = draw.sums(cell, cell.margin, 2000, random)
        loss, flips = (found.lost - found.gained).sum() / 2000 / 400, (found.lost + found.gained).sum() / 2000 / 400 / cell.flip
    assert loss == pytest.approx(cell.margin, abs=0.006)
    assert flips == pytest.approx(0.2, abs=0.015)


def test_scores_from_0_to_100_are_decided_from_their_counts_as_from_their_scores():
    cell = Cell(150, "none", 0.0, "0 to 100", 0.2)
    random = np.random.default_rng(2)
    found = draw.sums(cell, 0.0, 40, random)
    fast = stats.decide_spread(found, measure._flips(found, 150), margin=0.1, alpha=0.05)
    for row in range(40):
        lost, gained = int(found.lost[row, 0]), int(found.gained[row, 0])
        before = [100.0] * lost + [0.0] * gained + [100.0] * (150 - lost - gained)
        after = [0.0] * lost + [100.0] * (150 - lost)
        pair = stats.paired_difference(before, after, alpha=0.05, margin=10.0, bounded=False)
        assert (pair.lower > -10, pair.upper < -10) == (fast.passes[row], fast.fails[row])


def test_the_grid_holds_every_combination_with_fewer_clusters_than_items():
    # Per kind: 5 sizes, each without clusters and with 5 kinds of clusters at 2 correlations; 40 clusters of 30 items are not possible.
    assert len(set(cells())) == 5 * 4 * (5 * 11 - 2)


def test_an_interrupted_simulation_goes_on_with_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    first, second = list(cells())[:2]
    clear, near = measure.Rates(0.01, 0.01, 0.0, 0.5, 2000), measure.Rates(0.055, 0.01, 0.0, 0.5, 2000)
    for cell, rates in ((first, clear), (second, near)):
        evidence.append("grid", {**vars(cell), **vars(rates)})
    with (tmp_path / "grid.jsonl").open("a") as file:
        file.write('{"n": 30, "clus')
    assert grid.stored() == {first: clear, second: near}
    left = grid.missing(grid.stored())
    assert next(left) == (list(cells())[2], 2000)
    known = dict.fromkeys(cells(), clear) | {second: near}
    assert list(grid.missing(known)) == [(second, 20_000)]
    evidence.append("grid", {**vars(second), **vars(measure.Rates(0.05, 0.01, 0.0, 0.5, 20_000))})
    assert grid.stored()[second].replicates == 20_000


@pytest.mark.parametrize(
    ("kind", "many", "change"),
    [
        ("cut or looping, 10 to 15 %", 1, 0.15),
        ("cut or looping, 10 to 15 %", 4, 0.12),
        ("lengths, 5 % run to the limit", 1, 0.5),
        ("lengths, 5 % end at once", 1, 0.1),
    ],
)
def test_simulated_replies_are_judged_as_real_ones(kind, many, change):
    case, random = replies.Case(kind, 40, many), np.random.default_rng(4)
    before, after = (replies.lengths if kind in replies.LENGTHS else replies.shares)(case, 12, random)
    found = replies.judged(case, before, after, change)
    assert 0 < found.passes.sum() < 12
    for row in range(12):
        sides = [[told(value, kind, many, place) for place, value in enumerate(side[row])] for side in (before, after)]
        changed = compare_replies(list(zip(*sides, strict=True)), None, alpha=replies.ALPHA)
        lower, upper = np.log(changed.length_ratio_interval) if kind in replies.LENGTHS else changed.looping.interval
        assert (upper < change, lower > change) == (found.passes[row], found.fails[row])


def told(value, kind, many, place):
    """Return an item whose replies have such a share of loops, or the length that a logarithm of twice the tokens means."""
    lengths = kind in replies.LENGTHS
    own = [
        Reply(
            answer="",
            score=1.0,
            tokens=round(float(np.exp(value)) / 2) if lengths else 9,
            looping=not lengths and one < round(value * many),
        )
        for one in range(many)
    ]
    return item(f"{place:03}", 1.0).model_copy(update={"replies": own})


@pytest.mark.parametrize("kind", [*replies.SHARES, *replies.LENGTHS])
def test_replies_change_by_just_what_is_named(kind):
    case, random = replies.Case(kind, 200, 4), np.random.default_rng(6)
    if kind in replies.LENGTHS:
        before, after = replies.lengths(case, 1000, random)
        assert (after - before).mean() == pytest.approx(replies.true_change(case), abs=0.01)
        return
    before, after = replies.shares(case, 2000, random)
    assert (before.mean(), after.mean()) == pytest.approx(replies.SHARES[kind], abs=0.01)
    if before.std():
        alone = replies.shares(replies.Case(kind, 200, 1), 2000, random)[0]
        # The variance of a mean of four that correlate by 0.5.
        assert (before.var() / alone.var()) == pytest.approx((1 + 3 * replies.CORRELATION) / 4, abs=0.03)


def replying(side, damaged):
    """Return the measurement with one reply per item; `damaged` names the places of the replies that are cut, and of those that loop."""
    cut, looping = damaged
    items = [
        item.model_copy(update={"replies": [Reply(answer="", score=item.score, truncated=place in cut, looping=place in looping)]})
        for place, item in enumerate(side.items)
    ]
    return side.model_copy(update={"items": items})


def real_gate(lost, gained, damaged, mended, *, items, slices):
    """Return the verdict of the recipe and its reason for one simulated gate, by whole checks."""
    checks = []
    for place in range(lost.shape[0]):
        name = "performance" if place < gate.PERFORMANCE else "reliability"
        size = items // slices
        before, after, parts = [], [], []
        for part in range(slices):
            down, up = int(lost[place, part]), int(gained[place, part])
            # Of the unchanged items three in four are right.
            before += [1.0] * down + [0.0] * up + [float(one % 4 > 0) for one in range(size - down - up)]
            after += [0.0] * down + [1.0] * up + [float(one % 4 > 0) for one in range(size - down - up)]
            parts += [f"part {part}" if name == "reliability" else None] * size
        pair = []
        # The replies at the end are damaged in the candidate alone, those at the beginning in the reference alone.
        alone = [range(int(many)) for many in mended[place]], [range(items - int(many), items) for many in damaged[place]]
        for scores, artifact, ended in zip((before, after), ("a" * 8, "b" * 8), alone, strict=True):
            side = replying(measurement(scores, artifact=artifact, benchmark=f"bench {place}"), ended)
            sliced = [item.model_copy(update={"slice": part}) for item, part in zip(side.items, parts, strict=True)]
            pair.append(side.model_copy(update={"items": sliced, "dimension": name, "capability": f"capability {place}"}))
        checks.append(compare.retention(*pair, recipe="r", family="pruning", gates=True, policy=compare.Policy(), identical=False))
    return compare.recipe_verdict(checks, policy=compare.Policy())


@pytest.mark.parametrize(("drop", "losing"), [(0.0, 0), (0.1, 10), (0.0, "slice"), (0.0, "cut"), (0.0, "looping")])
def test_a_simulated_gate_is_judged_as_a_real_recipe(drop, losing):
    case = gate.Gate(200, 5, 0.12, drop, losing if isinstance(losing, int) else 10)
    random = np.random.default_rng(1)
    lost, gained = gate.draw(case, 3, random)
    damaged, mended = gate.draw_replies(case, 3, random)
    if not isinstance(losing, int):
        # Performance is kept beyond doubt, and one slice of a reliability benchmark falls, or one share of the replies to one of performance rises.
        lost[:, : gate.PERFORMANCE], gained[:, : gate.PERFORMANCE] = 0, 0
    if losing == "slice":
        lost[1:, -1, 2], gained[1:, -1, 2] = 25, 0
    if losing in ("cut", "looping"):
        damaged[1:, 0, int(losing == "looping")], mended[1:, 0, int(losing == "looping")] = 45, 5
    found = gate.judged(case, lost, gained, damaged, mended)
    assert not found["hidden_danger"][0]
    assert found["hidden_danger"][1:].all() == (not isinstance(losing, int))
    failing = found["capability_fails"] | found["benchmark_fails"] | found["hidden_danger"]
    for row in range(3):
        verdict, reason, _ = real_gate(lost[row], gained[row], damaged[row], mended[row], items=200, slices=5)
        assert (verdict == "fail", verdict == "pass") == (failing[row], found["passes"][row] and not failing[row])
        assert reason.startswith("hidden danger") == found["hidden_danger"][row]


def test_a_simulated_latency_is_judged_as_a_real_one():
    random = np.random.default_rng(4)
    ratios = latency.rounds(1.25, 0.2, 0.05, 40, random)
    found = latency.decide(ratios)
    assert len({*zip(found.passes.tolist(), found.fails.tolist(), strict=True)}) > 1
    for row, passes, fails in zip(ratios, *found, strict=True):
        ratio = compare.Ratio.of([1.0] * len(row), np.exp(row).tolist(), metric="seconds", confidence=0.9)
        assert ratio.decide(0.25)[0] == ("pass" if passes else "fail" if fails else "inconclusive")


def test_the_page_is_what_the_evidence_says():
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.filled(text) == text, "run `python -m benchmarks.rates.page`"
    with pytest.raises(ValueError, match="markers for rates-gates"):
        page.filled(text.replace("<!-- rates-gates:start -->", ""))


@pytest.mark.parametrize("known", [grid.stored, stopping.stored])
def test_no_cell_that_is_kept_lies_beyond_the_promise(known):
    found = known()
    assert [cell for cell, rates in found.items() if rates.replicates >= 20_000 and rates.worst > measure.PROMISED] == []
    # A cell that may lie beyond it has been measured again.
    assert [cell for cell, rates in found.items() if rates.replicates < 20_000 and rates.bound > measure.PROMISED] == []


def test_the_whole_grid_is_kept():
    assert set(grid.stored()) == set(cells())
