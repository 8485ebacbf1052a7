"""`unicomp plan`: power analysis before anything runs: the power of each check and of the policy, and the items and minutes a margin needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import prod, sqrt
from typing import Any

from pytest_unicomp.api.benchmark import Benchmark, Evaluation
from pytest_unicomp.api.registry import Table
from pytest_unicomp.compare import Policy, simulated_gate, stats
from pytest_unicomp.compare.wording import UNITS
from pytest_unicomp.run.forecast import expected, own_policy, points
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.prior_evidence import PriorEvidence, prior_evidence
from pytest_unicomp.store.baselines import Baselines

# Which gain in probability is worth a sentence.
SMALLEST_GAIN = 0.005
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
    table: Table[Benchmark] | None = None,
) -> list[dict[str, Any]]:
    """Return one object per cell: its identity, then its power at the current settings; unknown numbers are None, with a reason.

    `discordance` (share of items scored differently, in [0, 1]) replaces that of prior evidence; `drop` is the true loss to detect in every
    benchmark of a recipe (default: twice the capability margin). Probabilities are simulated with a fixed seed from the score tests that
    decide, capabilities pooled by MOVER and benchmarks after Holm, as in docs/verdicts.md.
    """
    known = [
        prior_evidence(cell, baselines, model, limit=limit, discordance=discordance, evaluation=evaluation, table=table) for cell in cells
    ]
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
            "smallest loss": _loss(row["minimum_detectable_effect"], rate=row["rate"]),
            "flips": _text(row["discordance"], "{:.1%}"),
            "passes": _text(row["passes_unchanged"], "{:.0%}"),
            "time": _text(row["seconds"], "{:.0f} s"),
        }
        for row in found
        if row["kind"] == "items"
    ]


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _loss(value: float | None, *, rate: bool) -> str:
    """Format a loss, or "-" for none: in points if it is that of scores between 0 and 1."""
    return _text(None if value is None else 100 * value, "{:.2g} pts") if rate else _text(value, "{:.2g} nats")


def _cell(cell: Cell, known: PriorEvidence, policy: Policy, drop: float) -> dict[str, Any]:
    own = own_policy(policy, cell, known.metric)
    margin, capability = (points(one, [known]) for one in (own.benchmark, own.capability))
    found: dict[str, Any] = {
        "items": known.items,
        "discordance": known.discordance,
        "rate": known.metric not in UNITS,
        "discordance_source": known.source,
        "design_effect": known.design_effect,
        "margin": margin if cell.kind == "items" else None,
        "minimum_detectable_effect": None,
        "passes_unchanged": None,
        "fails_dropped": None,
        "drop": drop,
        "margin_items": None,
        "margin_seconds": None,
        "seconds": known.seconds,
        "seconds_source": known.seconds_source,
    }
    if known.variance is None:
        return found
    needed = stats.items_to_decide(
        known.variance, capability, alpha=policy.alpha, design_effect=known.design_effect, rate=known.spread is None
    )
    per_item = known.seconds / known.items if known.seconds is not None and known.items else None
    found |= {"margin_items": needed, "margin_seconds": None if per_item is None or needed is None else per_item * needed}
    one = expected(cell, known, policy)
    if one is None:
        return {**found, "discordance_source": f"{known.source}; power unknown: the set's size is known once its data is read"}
    stderr = sqrt(one.variance * one.design_effect / one.items)
    return {
        **found,
        "minimum_detectable_effect": stats.minimum_detectable_effect(stderr, alpha=policy.alpha),
        "passes_unchanged": simulated_gate.passes_alone(one, alpha=policy.alpha),
        "fails_dropped": simulated_gate.fails_alone(one, alpha=policy.alpha, drop=drop),
    }


def _recipe(own: Sequence[tuple[Cell, PriorEvidence]], policy: Policy, drop: float) -> dict[str, Any]:
    """Return the probabilities of a recipe's verdicts, from its benchmarks that score items; None if nothing is known about any of them."""
    items = [(cell, expected(cell, known, policy)) for cell, known in own if cell.kind == "items"]
    scored = [one for _, one in items if one is not None]
    left_out = [cell.benchmark for cell, one in items if one is None]
    names = ("recipe_passes_unchanged", "recipe_fails_dropped", "recipe_stopped_dropped", "recipe_raised_by", "recipe_raised_to")
    if not scored:
        return {**dict.fromkeys(names), "recipe_left_out": left_out}
    unchanged, dropped = (simulated_gate.chances(scored, alpha=policy.alpha, drop=true) for true in (0.0, drop))
    found = (unchanged.passes, dropped.fails, 1 - dropped.passes, *simulated_gate.most_helpful(scored, alpha=policy.alpha))
    return {**dict(zip(names, found, strict=True)), "recipe_left_out": left_out}


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
