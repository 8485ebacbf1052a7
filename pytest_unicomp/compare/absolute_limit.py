"""Verdict on an absolute limit of `[tool.unicomp.limits]`, an SLO such as "p95 <= 40 ms", decided on the candidate's own measurements."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.records import Check, Verdict
from pytest_unicomp.compare import stats, wording
from pytest_unicomp.compare.efficiency import Ratio
from pytest_unicomp.config.cost_limits import Limit

Answer = tuple[Verdict, str]


def by_limits(
    check: Check, values: Sequence[float], limits: Sequence[Limit], *, written: int = 1, ratio: Ratio | None = None, repeatable: bool = True
) -> Check:
    """Return an efficiency check decided by its absolute limits, and by its ratio too if one of `limits` is on the ratio.

    Without absolute limits the check is returned as it is. `values` are the candidate's rounds in the metric's base unit; each round
    generates `written` tokens. Absolute limits replace the default margin on the ratio, since a release that promises 40 ms need not be as
    fast as its reference; `ratio` is then only shown.
    """
    own = [limit for limit in limits if limit.most is not None]
    if not own:
        return check
    answers = [
        within_limit(
            [value / written for value in values] if limit.per_token else values,
            limit,
            metric=check.metric,
            confidence=check.confidence,
            repeatable=repeatable,
        )
        for limit in own
    ]
    if any(limit.ratio is not None for limit in limits):
        verdict, reason = worst_of([(check.verdict, check.reason), *answers])
        return check.model_copy(update={"verdict": verdict, "reason": reason})
    verdict, reason = worst_of(answers)
    shown = "" if ratio is None or ratio.found is None else f"; {ratio}"
    return check.model_copy(update={"verdict": verdict, "reason": f"{reason}{shown}", "margin": None})


def within_limit(values: Sequence[float], limit: Limit, *, metric: str, confidence: float, repeatable: bool = True) -> Answer:
    """Return the verdict on one limit, and its reason. The reference does not enter.

    `values` are the candidate's rounds in the unit of the limit, or one exact number. A percentile is judged by its distribution-free
    interval, a mean by its Student interval, an exact number by itself: pass if the upper bound is at most the limit, fail if the lower
    bound is above it, else inconclusive.
    """
    assert limit.most is not None
    most = limit.most
    if len(values) == 1:
        found = values[0]
        return ("pass" if found <= most else "fail"), f"{found:.6g} {metric} ({wording.single(repeatable=repeatable)}), limit {limit.text}"
    if not values:
        return "inconclusive", f"undecided: no value was measured for the limit {limit.text}"
    per = " per token" if limit.per_token else ""
    if limit.percentile is None:
        mean = stats.mean(values)
        lower, upper = stats.t_interval(mean, confidence=confidence)
        shown = f"mean {mean.value:.6g} {metric}{per} ({100 * confidence:.0f} % interval {lower:.6g} to {upper:.6g}, {len(values)} rounds)"
        return _decided(lower, upper, most), f"{shown}, limit {limit.text}"
    low, high = stats.quantile_interval(values, limit.percentile / 100, confidence=confidence)
    bounds = f"{'unknown' if low is None else f'{low:.6g}'} to {'unknown' if high is None else f'{high:.6g}'}"
    above = sum(value > most for value in values)
    shown = f"p{limit.percentile:g} of {metric}{per} ({100 * confidence:.0f} % interval {bounds}, {above} of {len(values)} rounds above)"
    return _decided(low, high, most), f"{shown}, limit {limit.text}"


def _decided(lower: float | None, upper: float | None, most: float) -> Verdict:
    if upper is not None and upper <= most:
        return "pass"
    return "fail" if lower is not None and lower > most else "inconclusive"


def worst_of(answers: Sequence[Answer]) -> Answer:
    """Combine the answers of several limits on one benchmark: the worst verdict, with all reasons."""
    order: tuple[Verdict, ...] = ("fail", "inconclusive", "pass")
    return min((verdict for verdict, _ in answers), key=order.index), "; ".join(reason for _, reason in answers)
