"""Is a cost within a limit of its own, such as a service's promise? Decided on the candidate's own numbers, the reference left aside."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.records import Verdict
from pytest_unicomp.compare import stats
from pytest_unicomp.config.cost_limits import Limit

Answer = tuple[Verdict, str]


def within_limit(values: Sequence[float], limit: Limit, *, metric: str, confidence: float) -> Answer:
    """Return the verdict on a limit by itself: of a percentile, by an interval that assumes no distribution; of rounds, by the interval of their
    mean; of one exact number, by that number. PASS where the upper bound is within, FAIL where the lower one is not, else INCONCLUSIVE."""
    assert limit.most is not None
    most = limit.most
    if len(values) == 1:
        found = values[0]
        return ("pass" if found <= most else "fail"), f"{found:.6g} {metric} (exact), limit {limit.text}"
    if not values:
        return "inconclusive", f"nothing was measured to hold against the limit {limit.text}"
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
    """Put several limits on one benchmark together: it must be within all of them."""
    order: tuple[Verdict, ...] = ("fail", "inconclusive", "pass")
    return min((verdict for verdict, _ in answers), key=order.index), "; ".join(reason for _, reason in answers)
