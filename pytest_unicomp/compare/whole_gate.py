"""Computes the probability that an unchanged model passes the whole gate, and names the benchmark for which more items would raise it most."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt

from pytest_unicomp.api.records import CapabilityVerdict, Check, Unchanged
from pytest_unicomp.compare import stats, wording
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.pooling import unanchored

# By how many times the items of one benchmark are imagined to grow.
MORE_ITEMS = 2.0


def unchanged(checks: Sequence[Check], capabilities: Sequence[CapabilityVerdict], policy: Policy) -> Unchanged | None:
    """Return the probability that a model without any loss passes all capabilities of one recipe; None if one of them has no interval.

    An interval of this width that ends h below its difference passes with probability Phi(z (margin / h - 1)), since its standard error is
    h / z; capabilities are taken as independent. `raised_to` is the probability with MORE_ITEMS times the items of the benchmark
    `raised_by`, whose interval is then narrower by the root. Waived checks decide nothing and are left out.
    """
    kept = [check for check in checks if check.question == "retention" and not check.waived]
    found: dict[str, float] = {}
    grown: list[tuple[float, str, str]] = []
    for capability in capabilities:
        own = [check for check in kept if check.capability == capability.capability]
        if capability.waived or not own:
            continue
        widths = [_below(check) for check in own]
        if capability.margin is None or any(width is None for width in widths):
            return None
        known = [(check, width) for check, width in zip(own, widths, strict=True) if width is not None]
        found[capability.capability] = _passes(known, capability.margin, policy.alpha)
        for check in own:
            fewer = [(one, width / sqrt(MORE_ITEMS) if one is check else width) for one, width in known]
            grown.append((_passes(fewer, capability.margin, policy.alpha), capability.capability, check.benchmark))
    if not found:
        return None
    whole = prod(found.values())
    options = [(prod(raised if name == other else value for other, value in found.items()), benchmark) for raised, name, benchmark in grown]
    best, benchmark = max(options, key=lambda option: option[0])
    return Unchanged(passes=whole, raised_by=benchmark, raised_to=best)


def unchanged_gate(recipes: Sequence[Unchanged | None]) -> Unchanged | None:
    """Return the same for all gating recipes together, taken as independent; None if one is unknown or none gates."""
    known = [recipe for recipe in recipes if recipe is not None]
    if not known or len(known) < len(recipes):
        return None
    whole = prod(recipe.passes for recipe in known)
    options = [
        (prod(one.raised_to if place == other else one.passes for other, one in enumerate(known)), recipe.raised_by)
        for place, recipe in enumerate(known)
    ]
    best, benchmark = max(options, key=lambda option: option[0])
    return Unchanged(passes=whole, raised_by=benchmark, raised_to=best)


def _below(check: Check) -> float | None:
    """Return how far the interval reaches below the difference, or None if there is no interval."""
    interval = check.capability_interval or check.interval
    return None if interval is None or check.difference is None else max(check.difference - interval[0], 0.0)


def _passes(known: Sequence[tuple[Check, float]], margin: float, alpha: float) -> float:
    """Return the probability that the mean of the benchmarks passes at the margin, if its interval is pooled from these widths (MOVER).

    Rates and nats are pooled apart, and both must pass. A reference at chance never does.
    """
    if any(unanchored(check) for check, _ in known):
        return 0.0
    found = 1.0
    for nats in (False, True):
        widths = [width for check, width in known if (check.metric == wording.NATS) == nats]
        if widths:
            found *= stats.passing_probability(sqrt(sum(width**2 for width in widths)) / len(widths), margin, alpha=alpha)
    return found
