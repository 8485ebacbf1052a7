"""Tests if distilled models run fastest and are the dearest to make."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pytest_unicomp.report.study.findings import costs
from pytest_unicomp.report.study.findings.finding import Bounds, Claimed, Finding, difference
from pytest_unicomp.report.study.findings.normal import quantile
from pytest_unicomp.report.study.records import Study
from pytest_unicomp.report.study.sources import Source

FAMILY: Final = "distillation"
# A making is timed once, on a machine that others may use: less than this factor says nothing.
NOISE: Final = 2.0


def distillation(study: Study, sources: Sequence[Source]) -> Iterator[Finding]:
    """Yield how much faster the fastest distilled recipe is than each other, and how much dearer the cheapest one: of each model, and of all."""
    fastest = Claimed(
        claim="distilled models run fastest",
        statistic="log of (time of the fastest other recipe / time of the fastest distilled recipe)",
        needs="1 distilled and 1 other compressed recipe of 1 model, timed in the same benchmark",
    )
    dearest = Claimed(
        claim="distilled models are the dearest to make",
        statistic="seconds of the cheapest distilled recipe / seconds of the dearest other recipe",
        needs="1 distilled and 1 other compressed recipe of 1 model, made by the run",
    )
    for claimed, each in (
        (fastest, [_fastest(fastest, source, study.confidence) for source in sources]),
        (dearest, [_dearest(dearest, source) for source in sources]),
    ):
        if len(each) > 1:
            yield claimed.together(each)
        yield from each


def _fastest(claimed: Claimed, source: Source, confidence: float) -> Finding:
    benchmark, timed = costs.run_times(source.report)
    distilled, others = (_logs(timed, names) for names in _families(source))
    if not distilled or not others:
        return claimed.missing(source.name, f"{len(distilled)} distilled and {len(others)} other recipes were timed")
    # The fastest of several is chosen by its noise too: its interval is Bonferroni's.
    wider = quantile(1 - (1 - confidence) / 2 / len(distilled)) / quantile((1 + confidence) / 2)
    best, (low, high) = min(distilled)
    bounds = (best - wider * (best - low), best + wider * (high - best))
    # It is the fastest only if it is faster than each other: the claim is as sure as its least favourable comparison.
    leads = [(other - best, difference(other, own, best, bounds)) for other, own in others]
    value, interval = min(leads, key=lambda lead: lead[1][0])
    found = claimed.read(source.name, value, interval, recipes=len(distilled) + len(others), models=1)
    return found.model_copy(update={"reason": f"{found.reason}; {benchmark}"})


def _dearest(claimed: Claimed, source: Source) -> Finding:
    seconds = costs.making_seconds(source.report)
    distilled, others = ([seconds[name] for name in names if name in seconds] for names in _families(source))
    if not distilled or not others:
        return claimed.missing(source.name, f"the making of {len(distilled)} distilled and {len(others)} other recipes was timed")
    ratio = min(distilled) / max(others)
    shown = f"{ratio:.3g} times; each is made once, so there is no interval, and a factor below {NOISE:g} says nothing"
    count = len(distilled) + len(others)
    if ratio >= NOISE:
        return claimed.said(source.name, "holds", ratio, shown, recipes=count, models=1)
    if ratio <= 1 / NOISE:
        return claimed.said(source.name, "does not hold", ratio, shown, recipes=count, models=1)
    return claimed.said(source.name, "cannot tell", ratio, f"cannot tell from this run: {shown}", recipes=count, models=1)


def _families(source: Source) -> tuple[list[str], list[str]]:
    """Return the recipes that are distilled, and those that are pruned or quantized."""
    rows = source.report.recipes
    return (
        [row.recipe for row in rows if row.family == FAMILY],
        [row.recipe for row in rows if row.family in ("pruning", "quantization")],
    )


def _logs(timed: Mapping[str, tuple[float, Bounds]], names: Sequence[str]) -> list[tuple[float, Bounds]]:
    found = [timed[name] for name in names if name in timed]
    return [(math.log(ratio), (math.log(low), math.log(high))) for ratio, (low, high) in found]
