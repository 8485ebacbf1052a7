"""Decides from checks if a recipe passes, if the run passes, and the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from pytest_unicomp.api.records import CapabilityVerdict, Check, LeftOut, Partial, RecipeVerdict, RunVerdict, Verdict
from pytest_unicomp.compare import partial as partly
from pytest_unicomp.compare import stats, wording
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.pooling import pool, unanchored
from pytest_unicomp.compare.replies import damage, not_limited


def survives_holm(check: Check, checks: Sequence[Check], alpha: float) -> bool:
    """Return True if a check fails and, for a retention check with a p-value, still does after Holm's correction over the recipe's retention checks."""
    if check.verdict != "fail":
        return False
    if check.question != "retention" or check.p_value is None:
        return True
    tested = [other.p_value for other in checks if other.question == "retention" and other.p_value is not None]
    if check.p_value not in tested:
        tested.append(check.p_value)
    return stats.holm(tested)[tested.index(check.p_value)] <= alpha


def recipe_verdict(
    checks: Sequence[Check], *, policy: Policy, missing: Sequence[LeftOut] = ()
) -> tuple[Verdict, str, list[CapabilityVerdict]]:
    """Return a recipe's verdict, the reason, and its pooled capabilities, from all its checks; no pass if tests of it are `missing`.

    The worst decides: error > fail > not comparable > inconclusive > pass. A recipe fails iff a capability fails, a benchmark fails after
    Holm's correction, a drift, artifact, efficiency, must-pass or reply-limits check fails, or there is a hidden danger (its reason comes first). Waived
    checks decide nothing. A benchmark that is inconclusive, or fails only before the correction, leaves the decision to its capability.
    If capabilities were measured, an inconclusive drift or efficiency check only informs.
    """
    verdict, reason, capabilities = _recipe_verdict(checks, policy)
    return *partly.of_recipe(verdict, reason, missing), [partly.of_capability(found, missing) for found in capabilities]


def _recipe_verdict(checks: Sequence[Check], policy: Policy) -> tuple[Verdict, str, list[CapabilityVerdict]]:
    kept = [check for check in checks if check.question == "retention"]
    # The gain from other calibration text is no statement about this recipe.
    others = [check for check in checks if check.question not in ("retention", "calibration")]
    by_capability: dict[str, list[Check]] = {}
    for check in kept:
        by_capability.setdefault(check.capability, []).append(check)
    capabilities = [pool(own, policy=policy) for own in by_capability.values()]
    # A must-pass item that was not measured, or a reply limit that is not decided, leaves open whether the recipe passes: it does not merely inform.
    informing = [check for check in others if _informs(check)]
    decisive = [
        (check.verdict, f"{check.benchmark} {check.question.replace('_', '-')}: {check.reason}")
        for check in others
        if not (capabilities and _informs(check)) and not check.waived
    ]
    decisive += [
        (found.verdict, f"{wording.spoken(found.capability)}: {found.reason}") for found in _worst_first(capabilities) if not found.waived
    ]
    tested = [check.p_value for check in kept if check.p_value is not None]
    adjusted = dict(zip(tested, stats.holm(tested), strict=True))
    decisive += [
        ("fail", f"{check.benchmark}: {check.reason}")
        for check in kept
        if not check.waived and check.verdict == "fail" and (check.p_value is None or adjusted[check.p_value] <= policy.alpha)
    ]
    danger = hidden_danger(checks, capabilities, policy)
    if danger is not None:
        decisive.insert(0, ("fail", danger))
    order: tuple[Verdict, ...] = ("error", "fail", "not_comparable", "inconclusive")
    for verdict in order:
        reasons = [reason for found, reason in decisive if found == verdict]
        if reasons:
            return verdict, _first(reasons), capabilities
    if not checks:
        return "inconclusive", "nothing was measured", capabilities
    if not capabilities:
        excused = sum(check.waived for check in others)
        also = f", {excused} waived" if excused else ""
        return "pass", f"{wording.counted(len(others) - excused, 'check')} passed{also}; no capability was measured", capabilities
    undecided = ", ".join(f"{check.benchmark} {check.question}" for check in informing if not check.waived)
    return "pass", _passed(checks, capabilities) + (f" (undecided, informs only: {undecided})" if undecided else ""), capabilities


def _worst_first(capabilities: Sequence[CapabilityVerdict]) -> list[CapabilityVerdict]:
    """Return the capabilities by their loss as a multiple of the margin, the largest first; those without such a number come last."""

    def loss(found: CapabilityVerdict) -> float:
        return -found.difference / found.margin if found.difference is not None and found.margin else -inf

    return sorted(capabilities, key=loss, reverse=True)


def _informs(check: Check) -> bool:
    """Return True for an inconclusive drift or efficiency check: it does not affect the verdict of a recipe with measured capabilities."""
    return check.verdict == "inconclusive" and check.question not in ("must_pass", "reply_limits")


def _passed(checks: Sequence[Check], capabilities: Sequence[CapabilityVerdict]) -> str:
    kept = [wording.spoken(found.capability) for found in capabilities if not found.waived]
    excused = [f"{check.benchmark} {check.question.replace('_', '-')}" for check in checks if check.waived]
    return f"kept: {', '.join(kept) or 'nothing'}" + (f"; waived: {', '.join(excused)}" if excused else "")


def hidden_danger(checks: Sequence[Check], capabilities: Sequence[CapabilityVerdict], policy: Policy) -> str | None:
    """Return the reason if performance is kept but reliability is lost or replies are damaged, else None; None too if no performance was measured.

    Performance is kept if every performance capability passes. Reliability is lost if a reliability capability fails, or if one slice of a
    reliability benchmark (attack, group, type) is lost; the slices' p-values are corrected (Holm) over the benchmarks that have slices. A
    reference at chance has nothing to lose in a slice either. Replies are damaged as `replies.damage` says or if they exceed a limit of the policy,
    on benchmarks of either dimension.
    """
    checks, capabilities = [check for check in checks if not check.waived], [found for found in capabilities if not found.waived]
    kept = [found for found in capabilities if found.dimension == "performance"]
    if not kept or any(found.verdict != "pass" for found in kept):
        return None
    kinds = ("retention", "reliability")
    reliability = [check for check in checks if (check.question, check.dimension) == kinds and not unanchored(check)]
    parts = [(check, check.worst_slice) for check in reliability if check.worst_slice is not None]
    adjusted = stats.holm([part.p_value for _, part in parts])
    lost = [
        f"{wording.spoken(found.capability)} is lost"
        for found in capabilities
        if found.dimension == "reliability" and found.verdict == "fail"
    ]
    lost += [
        f"{check.benchmark} falls from {100 * part.reference:.0f} to {100 * part.candidate:.0f} % on {part.name} ({wording.counted(part.n, 'item')})"
        for (check, part), p_value in zip(parts, adjusted, strict=True)
        if part.lost and p_value <= policy.alpha
    ]
    lost += damage({check.benchmark: not_limited(check, policy) for check in checks if check.question == "retention"}, alpha=policy.alpha)
    lost += [f"of {check.benchmark} {check.reason}" for check in checks if check.question == "reply_limits" and check.verdict == "fail"]
    if not lost:
        return None
    return f"hidden danger: performance is kept ({', '.join(wording.spoken(found.capability) for found in kept)}), but {', '.join(lost)}"


def _first(reasons: Sequence[str]) -> str:
    more = f" (and {wording.counted(len(reasons) - 1, 'more reason')})" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}"


def run_verdict(recipes: Sequence[RecipeVerdict], policy: Policy, partial: Partial | None = None) -> tuple[RunVerdict, int, str]:
    """Return the run's verdict, exit code and reason: those of its worst gating recipe.

    Exit codes: 7 error, 1 fail, 6 inconclusive or not comparable (0 if the policy only warns; the verdict stays "inconclusive"), 0 pass.
    A run without a gating recipe, or one that is `partial`, is inconclusive, never a pass; a partial one that would pass ends with 6.
    """
    return partly.of_run(_worst(recipes, policy), partial)


def _worst(recipes: Sequence[RecipeVerdict], policy: Policy) -> tuple[RunVerdict, int, str]:
    undecided = 6 if policy.inconclusive == "fail" else 0
    gated = [recipe for recipe in recipes if recipe.gates]
    if not gated:
        return "inconclusive", undecided, "no gating recipe was measured"
    answers: tuple[tuple[Verdict, RunVerdict, int], ...] = (
        ("error", "error", 7),
        ("fail", "fail", 1),
        ("not_comparable", "inconclusive", undecided),
        ("inconclusive", "inconclusive", undecided),
    )
    for verdict, answer, code in answers:
        found = [recipe for recipe in gated if recipe.verdict == verdict]
        if found:
            return answer, code, _first([f"{recipe.recipe}: {recipe.reason}" for recipe in found])
    return "pass", 0, f"every gating recipe passes: {', '.join(recipe.recipe for recipe in gated)}"
