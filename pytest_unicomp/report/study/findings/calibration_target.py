"""Tests if calibration text of the target's kind helps pruning, and does not help quantization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pytest_unicomp.report.study.findings.finding import Bounds, Claimed, Finding, mean_of_dependent
from pytest_unicomp.report.study.records import Study
from pytest_unicomp.report.study.sources import Source

# In points; less is no help worth having.
LEAST: Final = 1.0
Gains = list[tuple[float, Bounds]]


def calibration_target(study: Study, sources: Sequence[Source]) -> Iterator[Finding]:
    """Yield the mean gain in the target capability over the recipes of each family, on the same items: of each model, and of all."""
    helps = Claimed(
        claim="calibration text of the target's kind helps pruning",
        statistic="mean over pruned recipes of the gain in the target capability, points",
        needs="1 pruned recipe of 1 model that was also calibrated on the target's text (--unicomp-calibration-target)",
    )
    helps_not = Claimed(
        claim="calibration text of the target's kind does not help quantization",
        statistic=f"{LEAST:g} - mean over quantized recipes of the gain in the target capability, points",
        needs="1 quantized recipe of 1 model that was also calibrated on the target's text (--unicomp-calibration-target)",
    )
    pruned = {source.name: _gains(source, "pruning") for source in sources}
    quantized = {
        source.name: [(LEAST - gain, (LEAST - high, LEAST - low)) for gain, (low, high) in _gains(source, "quantization")]
        for source in sources
    }
    for claimed, by_model, below in ((helps, pruned, LEAST), (helps_not, quantized, LEAST)):
        if len(sources) > 1:
            every = [gain for own in by_model.values() for gain in own]
            yield _mean(claimed, "all models", every, sum(bool(own) for own in by_model.values()), below)
        for model, own in by_model.items():
            yield _mean(claimed, model, own, 1, below)


def _gains(source: Source, family: str) -> Gains:
    """Return gains and intervals in points, in the capability that the target's text is named after."""
    families = {row.recipe: row.family for row in source.report.recipes}
    return [
        (100 * gain.difference, (100 * gain.interval[0], 100 * gain.interval[1]))
        for gain in source.report.calibration_gains
        if families.get(gain.recipe) == family and gain.capability == gain.target and gain.metric == "rate"
    ]


def _mean(claimed: Claimed, about: str, found: Gains, models: int, below: float) -> Finding:
    if not found:
        return claimed.missing(about, "no recipe of the family was calibrated twice")
    value, bounds = mean_of_dependent([gain for gain, _ in found], [own for _, own in found])
    return claimed.read(about, value, bounds, below=below, recipes=len(found), models=models)
