"""Predicts a run's statistical power, from its number of items and prior evidence, and the duration of its evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from pytest_unicomp.compare import Policy, stats
from pytest_unicomp.compare.expected import Expected
from pytest_unicomp.compare.simulated_gate import chances
from pytest_unicomp.compare.wording import NATS, UNITS
from pytest_unicomp.config.margins import Margin
from pytest_unicomp.run.expected_time import Duration, evaluation
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.preflight import Prepared
from pytest_unicomp.run.prior_evidence import PriorEvidence, prior_evidence

Known = tuple[Cell, PriorEvidence]


@dataclass(frozen=True)
class CapabilityForecast:
    """The statistical power of a run for one capability, for the gating recipe that needs most items.

    `items` is how many there are (None: unknown before the data is read), `needed` how many rule out a loss beyond `margin` with 80 % power if
    nothing is lost, `passes` the probability that these do, and `detectable` the smallest loss that they rule out with 80 % power; margin and
    detectable in the unit of the difference, `rate` if that is a score between 0 and 1.
    """

    capability: str
    items: int | None
    needed: int | None
    margin: float
    detectable: float | None
    passes: float | None
    rate: bool

    @property
    def decidable(self) -> bool | None:
        """Return True if the items suffice, None if that is unknown."""
        return None if self.items is None or self.needed is None else self.items >= self.needed


@dataclass(frozen=True)
class Forecast:
    """The statistical power of a run by capability, and how long its evaluations take with an empty store, None if that cannot be told."""

    capabilities: tuple[CapabilityForecast, ...]
    evaluation: Duration | None


def forecast(prepared: Prepared, cells: Sequence[Cell] | None = None, *, discordance: float | None = None) -> Forecast:
    """Return the forecast of a run, or of some of its `cells`; reads stored evidence alone and loads no model.

    `discordance` (share of items scored differently, in [0, 1]) replaces that of stored evidence.
    """
    chosen = [cell for cell in (prepared.plan.cells if cells is None else cells) if cell.kind == "items"]
    known = [(cell, _known(prepared, cell, discordance)) for cell in chosen]
    found = []
    for name in dict.fromkeys(cell.capability for cell in chosen if cell.gates):
        recipes = dict.fromkeys(cell.recipe for cell in chosen if cell.gates)
        each = [
            _capability(name, own, prepared.policy)
            for recipe in recipes
            if (own := [(cell, expected) for cell, expected in known if cell.recipe == recipe and cell.capability == name])
        ]
        found.append(max(each, key=_need))
    return Forecast(tuple(found), evaluation(prepared, known))


def _need(one: CapabilityForecast) -> float:
    return (one.needed or 0) / (one.items or 1)


def _known(prepared: Prepared, cell: Cell, discordance: float | None) -> PriorEvidence:
    settings = prepared.settings
    return prior_evidence(
        cell,
        prepared.baselines,
        prepared.plan.model,
        limit=settings.limit,
        discordance=discordance,
        evaluation=prepared.evaluation,
        table=prepared.plan.table,
    )


def _capability(name: str, own: Sequence[Known], policy: Policy) -> CapabilityForecast:
    margin = points(own_policy(policy, own[0][0], own[0][1].metric).capability, [expected for _, expected in own])
    counts = [expected.items for _, expected in own if expected.items is not None]
    items = sum(counts) if len(counts) == len(own) else None
    rate = not any(expected.metric in UNITS for _, expected in own)
    flips = all(expected.spread is None for _, expected in own)
    variances = [expected.variance for _, expected in own if expected.variance is not None]
    if items is None or len(variances) < len(own):
        return CapabilityForecast(name, items, None, margin, None, None, rate)
    # The mean over k benchmarks has 1 / k^2 of the sum of their variances.
    stderr = sqrt(sum((one.variance or 0.0) * one.design_effect / (one.items or 1) for _, one in own)) / len(own)
    # The variance of one item, were they all of one benchmark.
    effect = max(expected.design_effect for _, expected in own)
    needed = stats.items_to_decide(stderr**2 * items / effect, margin, alpha=policy.alpha, design_effect=effect, rate=flips)
    detectable = stats.minimum_detectable_effect(stderr, alpha=policy.alpha)
    found = [one for cell, known in own if (one := expected(cell, known, policy)) is not None]
    return CapabilityForecast(name, items, needed, margin, detectable, chances(found, alpha=policy.alpha).passes, rate)


def own_policy(policy: Policy, cell: Cell, metric: str) -> Policy:
    """Return the policy with the margins that apply to a cell."""
    return policy.of(recipe=cell.recipe, capability=cell.capability, benchmark=cell.benchmark, metric=metric)


def expected(cell: Cell, known: PriorEvidence, policy: Policy) -> Expected | None:
    """Return the expected items and spread of a benchmark, or None if its number of items or how much they vary is not known."""
    if known.items is None or known.variance is None:
        return None
    own = own_policy(policy, cell, known.metric)
    return Expected(
        benchmark=cell.benchmark,
        capability=cell.capability,
        items=known.items,
        discordance=known.discordance or 0.0,
        spread=known.spread,
        design_effect=known.design_effect,
        margin=points(own.benchmark, [known]),
        capability_margin=points(own.capability, [known]),
        in_nats=known.metric == NATS,
    )


def points(margin: Margin, known: Sequence[PriorEvidence]) -> float:
    """Return a margin in the unit of the difference; a relative margin is a share of the reference's prior score, or of 0.7 if there is none."""
    if margin.kind == "absolute":
        return margin.value
    shares = [
        # Nats per token are a loss: lower is better.
        expected.reference if margin.kind == "relative" or expected.metric in UNITS else 1 - expected.reference
        for expected in known
        if expected.reference is not None
    ] or [0.7 if margin.kind == "relative" else 0.3]
    return max(0.0, margin.excess * sum(shares) / len(shares))
