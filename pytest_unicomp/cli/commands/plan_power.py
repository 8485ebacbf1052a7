"""`unicomp plan`: power analysis before anything runs: the power of each check and of the policy, and the items and minutes a margin needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation
from pytest_unicomp.compare import Policy, stats
from pytest_unicomp.run.forecast import items_for, own_policy, points
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.prior_evidence import PriorEvidence, prior_evidence
from pytest_unicomp.store.baselines import Baselines

if TYPE_CHECKING:
    import numpy as np

    # Differences, the ends of their intervals, and p-values, one entry per simulated run.
    Drawn = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

REPLICATES = 4000
# By how many times the items of a benchmark are imagined to grow, and which gain in probability is worth a sentence.
MORE_ITEMS, SMALLEST_GAIN = 2, 0.005
# The columns of the table; --json has everything.
SHOWN = ("recipe", "benchmark", "items", "items needed", "smallest loss", "flips", "passes", "time")


def rows(
    cells: Sequence[Cell],
    baselines: Baselines,
    model: str,
    policy: Policy,
    *,
    limit: int | None,
    discordance: float | None = None,
    drop: float | None = None,
    evaluation: Evaluation | None = None,
) -> list[dict[str, Any]]:
    """Return one object per cell: its identity, then its power at the current settings; unknown numbers are None, with a reason.

    `discordance` (share of items scored differently, in [0, 1]) replaces that of prior evidence; `drop` is the true loss to detect in every
    benchmark of a recipe (default: twice the capability margin). Probabilities are simulated with a fixed seed from the score tests that
    decide, capabilities pooled by MOVER and benchmarks after Holm, as in docs/verdicts.md.
    """
    known = [prior_evidence(cell, baselines, model, limit=limit, discordance=discordance, evaluation=evaluation) for cell in cells]
    loss = drop if drop is not None else 2 * points(policy.capability, known)
    result = []
    for recipe in dict.fromkeys(cell.recipe for cell in cells):
        own = [(cell, expected) for cell, expected in zip(cells, known, strict=True) if cell.recipe == recipe]
        whole = _recipe(own, policy, loss)
        result += [{**asdict(cell), **_cell(cell, expected, policy, loss), **whole} for cell, expected in own]
    return result


def shown(found: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the rows of the table: cells that score items, numbers with their units, "-" for what is unknown."""
    return [
        {
            "recipe": row["recipe"] if row["gates"] else f"({row['recipe']})",
            "benchmark": row["benchmark"],
            "items": _text(row["items"], "{:.0f}"),
            "items needed": _text(row["margin_items"], "{:.0f}"),
            "smallest loss": _text(
                row["minimum_detectable_effect"], "{:.2g} pts" if row["discordance"] is not None else "{:.2g} nats", row["discordance"]
            ),
            "flips": _text(row["discordance"], "{:.1%}"),
            "passes": _text(row["passes_unchanged"], "{:.0%}"),
            "time": _text(row["seconds"], "{:.0f} s"),
        }
        for row in found
        if row["kind"] == "items"
    ]


def _text(value: float | None, form: str, rate: float | None = None) -> str:
    """Format a number, or "-" for none; what has a share of flips is a rate, shown in points."""
    return "-" if value is None else form.format(value if rate is None else 100 * value)


def _cell(cell: Cell, expected: PriorEvidence, policy: Policy, drop: float) -> dict[str, Any]:
    margin, capability = (points(one, [expected]) for one in (own_policy(policy, cell).benchmark, own_policy(policy, cell).capability))
    found: dict[str, Any] = {
        "items": expected.items,
        "discordance": expected.discordance,
        "discordance_source": expected.source,
        "design_effect": expected.design_effect,
        "margin": margin if cell.kind == "items" else None,
        "minimum_detectable_effect": None,
        "passes_unchanged": None,
        "fails_dropped": None,
        "drop": drop,
        "margin_items": None,
        "margin_seconds": None,
        "seconds": expected.seconds,
        "seconds_source": expected.seconds_source,
    }
    variance = expected.variance
    if variance is None:
        return found
    needed = items_for(capability, variance, alpha=policy.alpha, effect=expected.design_effect, bounded=expected.spread is None)
    per_item = expected.seconds / expected.items if expected.seconds is not None and expected.items else None
    found |= {"margin_items": needed, "margin_seconds": None if per_item is None or needed is None else per_item * needed}
    if expected.items is None:
        return {**found, "discordance_source": f"{expected.source}; power unknown: the set's size is known once its data is read"}
    stderr = sqrt(variance * expected.design_effect / expected.items)
    found["minimum_detectable_effect"] = stats.minimum_detectable_effect(stderr, alpha=policy.alpha)
    for name, true, side in (("passes_unchanged", 0.0, 0), ("fails_dropped", drop, 1)):
        if expected.spread is None:
            lost, gained, n = _draw(expected, true, cell.benchmark)
            found[name] = float(stats.decide_counts(lost, gained, n, margin=margin, alpha=policy.alpha)[side].mean())
        else:
            _, lower, upper, _ = _intervals(expected, true, cell.benchmark, margin, policy.alpha)
            found[name] = float((upper < -margin if side else lower > -margin).mean())
    return found


def _draw(expected: PriorEvidence, drop: float, name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Simulate counts of lost and gained items; return them with the effective number of items."""
    import numpy as np

    n = max(1, round((expected.items or 1) / expected.design_effect))
    discordance = min(1.0, max(expected.discordance or 0.0, drop))
    lost = (discordance + drop) / 2
    seed = [n, round(1e6 * discordance), round(1e6 * drop), *name.encode()]
    counts = np.random.default_rng(seed).multinomial(n, [lost, discordance - lost, 1 - discordance], size=REPLICATES)
    return counts[:, 0], counts[:, 1], n


def _recipe(own: Sequence[tuple[Cell, PriorEvidence]], policy: Policy, drop: float) -> dict[str, Any]:
    """Return the probabilities of a recipe's verdicts, from its benchmarks that score items; None if nothing is known about any of them."""
    items = [(cell, expected) for cell, expected in own if cell.kind == "items"]
    scored = [(cell, expected) for cell, expected in items if expected.variance is not None and expected.items is not None]
    left_out = [cell.benchmark for cell, _ in items if cell not in [kept for kept, _ in scored]]
    names = ("recipe_passes_unchanged", "recipe_fails_dropped", "recipe_stopped_dropped", "recipe_raised_by", "recipe_raised_to")
    if not scored:
        return {**dict.fromkeys(names), "recipe_left_out": left_out}
    unchanged, dropped = ([_drawn(cell, expected, policy, true) for cell, expected in scored] for true in (0.0, drop))
    passes, (kept, fails) = _verdicts(scored, unchanged, policy)[0], _verdicts(scored, dropped, policy)
    rates = (float(passes.mean()), float(fails.mean()), float((~kept).mean()))
    return {**dict(zip(names, (*rates, *_raised(scored, unchanged, policy)), strict=True)), "recipe_left_out": left_out}


def _raised(scored: Sequence[tuple[Cell, PriorEvidence]], drawn: Sequence[Drawn], policy: Policy) -> tuple[str, float]:
    """Return the benchmark that would help an unchanged model most with MORE_ITEMS times its items, and with which probability all then passes."""
    options = []
    for place, (cell, expected) in enumerate(scored):
        grown = _drawn(cell, replace(expected, items=MORE_ITEMS * (expected.items or 1)), policy, 0.0)
        passes, _ = _verdicts(scored, [grown if other == place else one for other, one in enumerate(drawn)], policy)
        options.append((float(passes.mean()), cell.benchmark))
    best, benchmark = max(options, key=lambda option: option[0])
    return benchmark, best


def _drawn(cell: Cell, expected: PriorEvidence, policy: Policy, drop: float) -> Drawn:
    margin = points(own_policy(policy, cell).benchmark, [expected])
    return _intervals(expected, drop, cell.benchmark, margin, policy.alpha)


def _intervals(expected: PriorEvidence, drop: float, name: str, margin: float, alpha: float) -> Drawn:
    """Simulate differences; return them with the ends of their intervals and the p-values of a loss beyond `margin`."""
    import numpy as np
    from scipy.special import ndtr, ndtri

    if expected.spread is None:
        lost, gained, n = _draw(expected, drop, name)
        pairs, place = np.unique(np.stack([lost, gained]), axis=1, return_inverse=True)
        lower, upper = (ends[place.ravel()] for ends in stats.normal_bounds(pairs[0], pairs[1], n, alpha=alpha))
        return (gained - lost) / n, lower, upper, ndtr(-stats.normal_statistic(lost, gained, n, margin))
    stderr = expected.spread * sqrt(expected.design_effect / (expected.items or 1))
    value = np.random.default_rng([round(1e6 * drop), *name.encode()]).normal(-drop, stderr, REPLICATES)
    half = float(ndtri(1 - alpha)) * stderr
    return value, value - half, value + half, ndtr((value + margin) / max(stderr, 1e-12))


def _verdicts(scored: Sequence[tuple[Cell, PriorEvidence]], drawn: Sequence[Drawn], policy: Policy) -> tuple[np.ndarray, np.ndarray]:
    """Return two boolean arrays (REPLICATES,), the simulated runs that pass and those that fail: capabilities pooled by MOVER, benchmarks by Holm's first step."""
    import numpy as np

    parts: dict[tuple[str, bool], list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
    smallest = np.ones(REPLICATES)
    for (cell, expected), (value, lower, upper, p_values) in zip(scored, drawn, strict=True):
        # Rates and nats per token are never pooled.
        parts.setdefault((cell.capability, expected.spread is None), []).append((value, lower, upper))
        smallest = np.minimum(smallest, p_values)
    passes, fails = np.ones(REPLICATES, bool), smallest <= policy.alpha / len(scored)
    for (capability, _), bounds in parts.items():
        same = [(cell, expected) for cell, expected in scored if cell.capability == capability]
        margin = points(own_policy(policy, same[0][0]).capability, [expected for _, expected in same])
        value, lower, upper = (np.array([part[side] for part in bounds]) for side in range(3))
        middle, k = value.mean(axis=0), len(bounds)
        passes &= middle - np.sqrt(((value - lower) ** 2).sum(axis=0)) / k > -margin
        fails |= middle + np.sqrt(((upper - value) ** 2).sum(axis=0)) / k < -margin
    return passes & ~fails, fails


def summary(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the lines below the table, one per recipe."""
    lines = []
    for row in {row["recipe"]: row for row in found}.values():
        if row["recipe_passes_unchanged"] is None:
            unknown = ", ".join(row["recipe_left_out"]) or "no benchmark scores items"
            lines.append(f"{row['recipe']}: its power is unknown ({unknown}).")
            continue
        lines.append(
            f"{row['recipe']}: an unchanged model passes everything with probability {row['recipe_passes_unchanged']:.2f}; a drop of "
            f"{100 * row['drop']:.1f} points everywhere fails with {row['recipe_fails_dropped']:.2f} and does not pass with {row['recipe_stopped_dropped']:.2f}"
            + (f" (without {', '.join(row['recipe_left_out'])}, about which nothing is known)." if row["recipe_left_out"] else ".")
            + _help(row["recipe_passes_unchanged"], row["recipe_raised_by"], row["recipe_raised_to"])
        )
    return [*lines, *_whole(found)]


def _help(passes: float, benchmark: str, raised: float) -> str:
    return f" Twice the items of {benchmark} would raise the first most, to {raised:.2f}." if raised - passes >= SMALLEST_GAIN else ""


def _whole(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return the line on all gating recipes together, whose noise is taken as independent; none for one recipe or if something is unknown."""
    gating = list({row["recipe"]: row for row in found if row["gates"]}.values())
    if len(gating) < 2 or any(row["recipe_passes_unchanged"] is None for row in gating):
        return []
    passes = [row["recipe_passes_unchanged"] for row in gating]
    worst = min(gating, key=lambda row: float(row["recipe_passes_unchanged"]))
    return [
        f"The whole gate: {len(gating)} unchanged models all pass with probability {prod(passes):.2f}; least likely is {worst['recipe']}."
    ]
