"""Computes the probability that an unchanged model passes the whole gate, and names the benchmark for which more items would raise it most."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pytest_unicomp.api.records import CapabilityVerdict, Check, Unchanged
from pytest_unicomp.compare import wording
from pytest_unicomp.compare.expected import Expected, discordance
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.pooling import unanchored
from pytest_unicomp.compare.simulated_gate import chances, most_helpful


def unchanged(checks: Sequence[Check], capabilities: Sequence[CapabilityVerdict], policy: Policy) -> Unchanged | None:
    """Return the probability that a model without any loss passes all capabilities of one recipe; None if one of them has no interval.

    It is simulated, as `unicomp plan` does, with the items of each benchmark and the discordance seen (half a flip more, so that none is never
    certain); `raised_to` is the probability with twice the items of the benchmark `raised_by`. Waived checks decide nothing and are left out.
    """
    kept = [check for check in checks if check.question == "retention" and not check.waived]
    expected: list[Expected] = []
    for capability in capabilities:
        own = [check for check in kept if check.capability == capability.capability]
        if capability.waived or not own:
            continue
        found = [_expected(check, capability.margin) for check in own]
        expected += [one for one in found if one is not None]
        if None in found:
            return None
    if not expected:
        return None
    benchmark, raised = most_helpful(expected, alpha=policy.alpha)
    return Unchanged(passes=chances(expected, alpha=policy.alpha).passes, raised_by=benchmark, raised_to=raised)


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


def _expected(check: Check, capability_margin: float | None) -> Expected | None:
    """Return the expected items and spread of an unchanged model on the benchmark of a check, or None if its check has no interval or no margin."""
    if capability_margin is None or check.margin is None or check.interval is None or check.difference is None or check.n < 1:
        return None
    # Identical weights pass whatever the items are.
    same = check.interval == (0.0, 0.0)
    return Expected(
        benchmark=check.benchmark,
        capability=check.capability,
        items=check.n,
        discordance=discordance((check.discordance or 0.0) * check.n, check.n),
        spread=0.0 if same else check.spread,
        design_effect=check.design_effect,
        margin=check.margin,
        capability_margin=capability_margin,
        can_pass=not unanchored(check),
        in_nats=check.metric == wording.NATS,
    )
