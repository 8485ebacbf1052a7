"""Design effect (variance inflation) of items clustered by passage, subject or template, shrunk to an assumed correlation if few clusters differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from pytest_unicomp.compare.stats.means import Mean, clustered_mean, mean

# If fewer clusters than this have a difference, the observed design effect is averaged with the assumed one,
SPREAD_NEEDS = 15
# unless it is more than so many times the assumed one, which chance hardly causes.
EVIDENT = 3.0
# If the differences lie in fewer clusters than this share of what independent ones would touch, they are bunched: the average is then a lower bound.
BUNCHED = 0.85
ASSUMED_CORRELATION = 0.1


def design_effect(values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, Mean]:
    """Return the design effect (at least 1: the variance of the mean relative to that of independent values), and the clustered mean.

    Observed: CR2 variance / (s^2 / n). Assumed: 1 + (size - 1) x ASSUMED_CORRELATION, with the size of a random item's cluster. If few
    clusters have a nonzero value, the two are averaged; if many have but the values are bunched, the average is a lower bound; if none
    has, the assumed one is returned. Source: Kish 1965, Survey Sampling, section 5.4; the rules were chosen by simulation
    (docs/error-rates.md).
    """
    estimate = clustered_mean(values, clusters)
    independent = mean(values).stderr
    sizes = list(Counter(clusters).values())
    touched = len({cluster for value, cluster in zip(values, clusters, strict=True) if value != 0})
    assumed = assumed_effect(sum(size**2 for size in sizes) / len(values))
    seen = (estimate.stderr / independent) ** 2 if independent > 0 else assumed
    expected = touched_by_chance(sum(value != 0 for value in values), sizes)
    return shrunk_effect(seen, assumed, touched=touched, expected=expected), estimate


def shrunk_effect(seen: float, assumed: float, *, touched: float, expected: float) -> float:
    """Return the design effect to use from the observed and the assumed one; `touched` clusters have a difference, `expected` would by chance."""
    if touched < SPREAD_NEEDS and seen <= EVIDENT * assumed:
        return max((seen + assumed) / 2, 1.0)
    if touched >= SPREAD_NEEDS and touched < BUNCHED * expected:
        return max(seen, (seen + assumed) / 2, 1.0)
    return max(seen, 1.0)


def touched_by_chance(differing: int, sizes: Sequence[int]) -> float:
    """Return the expected number of clusters with a difference, if `differing` of n items differ at random: sum_g 1 - (1 - size_g / n)^differing.

    Source: occupancy, Feller 1968, An Introduction to Probability Theory, volume 1, section IV.2.
    """
    n = sum(sizes)
    return sum(count * (1 - (1 - size / n) ** differing) for size, count in Counter(sizes).items())


def assumed_effect(size: float) -> float:
    """Return the design effect of clusters of `size` items at ASSUMED_CORRELATION."""
    return 1 + (size - 1) * ASSUMED_CORRELATION
