"""Pools the retention checks of one recipe and capability into that capability's verdict."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import CapabilityVerdict, Check, Verdict
from pytest_unicomp.compare import stats, wording
from pytest_unicomp.compare.expected import items_to_decide
from pytest_unicomp.compare.hashes import of_checks
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.retention import decide

# Worst first: the first that occurs decides.
SEVERITY: tuple[Verdict, ...] = ("error", "fail", "not_comparable", "inconclusive", "pass")

# A verdict's reason stays one sentence: at most so many checks give theirs in full, and so many more are named.
IN_FULL, OTHERS_NAMED = 2, 4


def pool(checks: Sequence[Check], *, policy: Policy) -> CapabilityVerdict:
    """Return the verdict on a capability: non-inferiority of the mean difference at the capability margin, benchmarks weighted equally.

    An error decides first, then a check that is not comparable, then a reference at chance (inconclusive), then the interval. Rates and
    nats per token are pooled separately; if a capability has both, the worse verdict and its numbers are returned. Waived checks are set
    aside. Raises UnicompError for no check, or for checks of several recipes, capabilities or questions.
    """
    kinds = {(check.recipe, check.capability, check.question) for check in checks}
    if len(kinds) != 1 or next(iter(kinds))[2] != "retention":
        raise UnicompError(f"unicomp: pooling found {sorted(kinds)}; expected retention checks of one recipe and one capability.")
    left = [check for check in checks if not check.waived]
    pooled = _all(left or checks, policy)
    evidence = None if pooled.verdict in ("pass", "error") else of_checks(checks)
    set_aside = [check.benchmark for check in checks if check.waived]
    return pooled.model_copy(update={"evidence": evidence, "set_aside": set_aside, "waived": not left and pooled.verdict != "pass"})


def _all(checks: Sequence[Check], policy: Policy) -> CapabilityVerdict:
    policy = policy.of(recipe=checks[0].recipe, capability=checks[0].capability)
    nats = [check for check in checks if check.metric == wording.NATS]
    rates = [check for check in checks if check.metric != wording.NATS]
    verdicts = [_pool(part, policy) for part in (rates, nats) if part]
    worst = min(verdicts, key=lambda found: SEVERITY.index(found.verdict))
    reason = " | ".join(found.reason for found in verdicts)
    return worst.model_copy(update={"benchmarks": [check.benchmark for check in checks], "reason": reason})


def unanchored(check: Check) -> bool:
    """Return True if a retention check is undecided because its reference is not above chance, or at the floor of a metric without one."""
    floor = 0.0 if check.higher_is_better else 1.0
    above = check.reference.value != floor if check.chance is None else check.chance_corrected_retention is not None
    return check.verdict == "inconclusive" and not above


def _pool(checks: Sequence[Check], policy: Policy) -> CapabilityVerdict:
    for blocking in ("error", "not_comparable"):
        found = [check for check in checks if check.verdict == blocking]
        if found:
            return _verdict(checks, policy, None, blocking, _named(found))
    pooled = _pooled_difference(checks)
    at_chance = [check for check in checks if unanchored(check)]
    if at_chance:
        return _verdict(checks, policy, pooled, "inconclusive", _named(at_chance))
    if pooled is None:
        return _verdict(checks, policy, None, "inconclusive", _named([check for check in checks if check.interval is None]))
    verdict, words = _decide(checks, pooled, policy)
    across = f"mean of {len(checks)} benchmarks" if len(checks) > 1 else checks[0].benchmark
    return _verdict(checks, policy, pooled, verdict, f"{words}; {across}, {wording.counted(sum(check.n for check in checks), 'item')}")


def _named(checks: Sequence[Check]) -> str:
    """Return the reasons of one or two checks; of more, the first reason and the names of the others."""
    if len(checks) <= IN_FULL:
        return "; ".join(f"{check.benchmark}: {check.reason}" for check in checks)
    others = [check.benchmark for check in checks[1:]]
    more = f" and {len(others) - OTHERS_NAMED} more" if len(others) > OTHERS_NAMED else ""
    return f"{checks[0].benchmark}: {checks[0].reason}; also: {', '.join(others[:OTHERS_NAMED])}{more}"


def _pooled_difference(checks: Sequence[Check]) -> stats.Bounded | None:
    parts = [
        stats.Bounded(check.difference, *(check.capability_interval or check.interval))
        for check in checks
        if check.interval is not None and check.difference is not None
    ]
    return stats.mover_mean(parts) if len(parts) == len(checks) else None


def _decide(checks: Sequence[Check], pooled: stats.Bounded, policy: Policy) -> tuple[Verdict, str]:
    """Apply the interval rule; the number of items that would decide is known for a single benchmark only."""
    stderr = stats.implied_stderr(pooled.lower, pooled.upper, alpha=policy.alpha)
    found = stats.Paired(pooled.value, stderr, pooled.lower, pooled.upper, 1.0, "MOVER", _margin(checks, policy) or 0.0)
    needed = wording.would_decide(_needed(checks[0], found, policy)) if len(checks) == 1 else ""
    return decide(found, margin=policy.capability, needed=needed, metric=checks[0].metric, alpha=policy.alpha)


def _needed(check: Check, found: stats.Paired, policy: Policy) -> int | None:
    return items_to_decide(
        check.model_dump(include={"n", "discordance", "spread", "design_effect"}), found.margin, found.difference, alpha=policy.alpha
    )


def _verdict(checks: Sequence[Check], policy: Policy, pooled: stats.Bounded | None, verdict: Verdict, reason: str) -> CapabilityVerdict:
    return CapabilityVerdict(
        capability=checks[0].capability,
        dimension=checks[0].dimension,
        benchmarks=[check.benchmark for check in checks],
        difference=None if pooled is None else pooled.value,
        interval=None if pooled is None else (pooled.lower, pooled.upper),
        confidence=policy.confidence,
        margin=_margin(checks, policy),
        retention=_retention(checks),
        chance_corrected_retention=_chance_corrected(checks),
        verdict=verdict,
        reason=reason,
    )


def _margin(checks: Sequence[Check], policy: Policy) -> float | None:
    """Return the capability's margin in the unit of the difference; a relative one is the mean of its values on the benchmarks."""
    if policy.capability.kind == "absolute":
        return policy.capability.value
    shares = [check.margin if check.capability_margin is None else check.capability_margin for check in checks]
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if len(known) == len(checks) else None


def _chance_corrected(checks: Sequence[Check]) -> float | None:
    """Return the share kept of the mean distance from chance; None if a benchmark has no chance level or its reference is not above it."""
    kept = whole = 0.0
    for check in checks:
        before, after = check.reference.value, check.candidate.value
        if check.chance_corrected_retention is None or check.chance is None or before is None or after is None:
            return None
        sign = 1 if check.higher_is_better else -1
        kept, whole = kept + sign * (after - check.chance), whole + sign * (before - check.chance)
    return kept / whole if whole > 0 else None


def _retention(checks: Sequence[Check]) -> float | None:
    """Return mean candidate value / mean reference value, inverted if lower is better; the chance level is not subtracted."""
    before = [check.reference.value for check in checks]
    after = [check.candidate.value for check in checks]
    if len({check.higher_is_better for check in checks}) > 1 or None in before or None in after:
        return None
    old, new = (sum(value for value in side if value is not None) for side in (before, after))
    kept, whole = (new, old) if checks[0].higher_is_better else (old, new)
    return kept / whole if whole > 0 else None
