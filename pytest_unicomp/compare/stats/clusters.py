"""How much items that share a passage, a subject or a template are worth: the design effect, sound also where few of them flip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from pytest_unicomp.compare.stats.means import Mean, clustered_mean, mean

# With differences in fewer clusters than this, their spread alone cannot say how they cluster, and an assumed correlation is asked too,
SPREAD_NEEDS = 15
# unless the effect seen is so many times the assumed one, which chance does not bring about.
EVIDENT = 3.0
# Differences in clearly fewer clusters than independent ones would touch are bunched: then an effect below the assumed one is doubted.
BUNCHED = 0.85
ASSUMED_CORRELATION = 0.1


def design_effect(values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, Mean]:
    """Return how many times the variance of the mean exceeds that of independent values (at least 1), and the clustered mean.

    The ratio of the CR2 variance to s^2 / n. Where differences from 0 lie in few clusters it is averaged with what ASSUMED_CORRELATION gives,
    where they are bunched in many it is at least that average, and without any it is the assumed one: 1 + (size - 1) x correlation, size being
    that of a random item's cluster. Source: Kish 1965, Survey Sampling, section 5.4; the rules were chosen by simulation (docs/error-rates.md).
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
    """Return the design effect to use, given the one seen, the assumed one, and how many clusters have a difference, in fact and by chance."""
    if touched < SPREAD_NEEDS and seen <= EVIDENT * assumed:
        return max((seen + assumed) / 2, 1.0)
    if touched >= SPREAD_NEEDS and touched < BUNCHED * expected:
        return max(seen, (seen + assumed) / 2, 1.0)
    return max(seen, 1.0)


def touched_by_chance(differing: int, sizes: Sequence[int]) -> float:
    """Return in how many clusters of these sizes so many independent differences would lie: sum_g 1 - (1 - size_g / n)^differing.

    Source: occupancy, Feller 1968, An Introduction to Probability Theory, volume 1, section IV.2.
    """
    n = sum(sizes)
    return sum(count * (1 - (1 - size / n) ** differing) for size, count in Counter(sizes).items())


def assumed_effect(size: float) -> float:
    """Return the design effect of clusters of a size at the assumed correlation."""
    return 1 + (size - 1) * ASSUMED_CORRELATION
