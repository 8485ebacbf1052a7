"""The drift check: is a measurement equivalent to its stored baseline? Changes for the better count as changes too."""

from __future__ import annotations

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Check, Family, Measurement, Verdict
from pytest_unicomp.compare import flips, stats, wording
from pytest_unicomp.compare.expected import items_to_decide
from pytest_unicomp.compare.pairing import Comparison, compare, describe, not_comparable, numbers
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.retention import why_at_chance
from pytest_unicomp.config.margins import Margin


def drift(baseline: Measurement, current: Measurement, *, recipe: str, family: Family, gates: bool, policy: Policy) -> Check:
    """Compare a measurement with its baseline within the drift margin; with a smaller limit, `current` holds part of the baseline's items.

    Equal scores and answers pass. Otherwise the interval decides (two one-sided tests, Schuirmann 1987, Journal of Pharmacokinetics and
    Biopharmaceutics 15, 657-680): pass iff it lies inside +-margin, fail iff wholly below, pass as improved iff wholly above, else
    inconclusive. Changed versions, weights and machine are listed in `changes` and decide nothing.
    """
    margin = Margin("absolute", policy.drift_margin)
    fields = describe(current, recipe=recipe, family=family, gates=gates, question="drift", margin=margin, policy=policy)
    refused = not_comparable(baseline, current, fields, ("baseline", "current run"))
    if refused is not None:
        return refused
    comparison = compare(baseline, current, fields)
    short = flips.shortened(current)
    if all(before.score == after.score and flips.same_answer(before, after, short) for before, after in comparison.pairs):
        return _unchanged(comparison)
    if (refusal := baseline_refusal(baseline, policy)) is not None:
        return comparison.check(
            "inconclusive",
            f"the baseline cannot show a loss: {refusal}; remove it, or choose a benchmark on which the model is above chance",
        )
    try:
        found = comparison.difference(alpha=policy.alpha, margin=margin)
    except UnicompError as error:
        return comparison.check("inconclusive", f"the uncertainty is unknown: {error.detail}")
    n = len(comparison.pairs)
    needed = items_to_decide(comparison.fields, margin.value, -abs(found.difference), alpha=policy.alpha)
    verdict, words = _decide(found, margin=margin.value, needed=needed, metric=current.metric, alpha=policy.alpha)
    detectable = stats.minimum_detectable_effect(found.stderr, alpha=policy.alpha)
    reason = f"{words}; {wording.basis(n, float(comparison.fields['discordance']), detectable, current.metric)}{_since(comparison)}"
    return comparison.check(verdict, reason, **numbers(found, policy.alpha))


def accepted(check: Check) -> Check:
    """Return a drift check whose baseline was rewritten on request: it passes, and its reason keeps what it would have been."""
    reason = f"baseline rewritten on request; before that: {check.verdict}: {check.reason}"
    return check.model_copy(update={"accepted": True, "verdict": "pass", "reason": reason})


def baseline_refusal(stored: Measurement, policy: Policy) -> str | None:
    """Return why a measurement cannot be a baseline, or None: a model at chance or at the floor cannot get worse."""
    if not any(item.score is not None for item in stored.items):
        return None
    fields = describe(
        stored, recipe="", family="none", gates=False, question="drift", margin=Margin("absolute", policy.drift_margin), policy=policy
    )
    return why_at_chance(compare(stored, stored, fields), stored, policy, subject="it")


def _decide(found: stats.Paired, *, margin: float, needed: int | None, metric: str, alpha: float) -> tuple[Verdict, str]:
    shown = wording.interval(found.difference, found.lower, found.upper, metric, 1 - 2 * alpha)
    limit = wording.amount(margin, metric)
    answer = stats.equivalence(found.lower, found.upper, margin)
    if answer == "within":
        return "pass", f"as before: {shown}, within {limit} of the baseline"
    if answer == "below":
        return "fail", f"worse than the baseline: {shown}, more than {limit} below it"
    if answer == "above":
        return "pass", f"improved: {shown}, more than {limit} above the baseline; accept it with --unicomp-update=changed"
    state = "a drop is detected, its size undecided" if found.upper < 0 else "undecided"
    return "inconclusive", f"{state}: {shown}, on both sides of the {limit} allowed; {wording.would_decide(needed)}"


def _since(comparison: Comparison) -> str:
    return f"; changed since: {', '.join(comparison.fields['changes'])}" if comparison.fields["changes"] else ""


def _unchanged(comparison: Comparison) -> Check:
    return comparison.check(
        "pass",
        f"identical evidence: the same scores and answers on all {len(comparison.pairs)} items{_since(comparison)}",
        interval=(0.0, 0.0),
        p_value=1.0,
        minimum_detectable_effect=0.0,
    )
