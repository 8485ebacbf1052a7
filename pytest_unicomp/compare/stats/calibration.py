"""Scores of stated probabilities: Brier's score, and a calibration error that needs no bins."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

# Bandwidth of the kernel exp(-TV / BANDWIDTH) over distributions; total variation lies in [0, 1].
BANDWIDTH = 0.25


def brier(probabilities: Sequence[float], right: int) -> float:
    """Return the sum of squared errors of the stated probabilities, in [0, 2]; 0 is certain and right.

    Source: Brier 1950, Monthly Weather Review 78, 1-3, equation 2.
    """
    return sum((value - (place == right)) ** 2 for place, value in enumerate(probabilities))


def independent_pairs(clusters: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    """Return the places of items in pairs, those of a pair one after the other, and for each pair the number of the two clusters that it is from.

    Items of one cluster are not independent, so those of a pair are of two clusters. Clusters are taken two by two, the largest first and those of
    one size as they come, so that few items stay without a partner and no cluster has pairs of two numbers. Clusters of one item each give the pairs
    of neighbours, one cluster alone gives none.
    """
    members: dict[Hashable, list[int]] = {}
    for place, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(place)
    ordered = sorted(members.values(), key=len, reverse=True)
    places: list[int] = []
    numbers: list[int] = []
    for number, (one, other) in enumerate(zip(ordered[::2], ordered[1::2], strict=False)):
        for pair in zip(one, other, strict=False):
            places += pair
            numbers.append(number)
    return places, numbers


def squared_kernel_calibration_error(stated: Sequence[Sequence[float]], right: Sequence[int]) -> list[float]:
    """Return independent unbiased estimates of the squared kernel calibration error, one for each pair of items 2i and 2i + 1, which must be independent.

    Their mean is the estimator SKCE_ul: 0 in expectation if the probabilities are calibrated, above it if not, and below it by chance; an odd
    last item is left out. The kernel is exp(-total variation / BANDWIDTH) times the identity. Distributions may differ in length.
    Source: Widmann, Lindsten & Zachariah 2019, Calibration tests in multi-class classification, arXiv 1910.11385, table 1 and lemma 2.
    """
    import numpy as np

    width = max((len(values) for values in stated), default=0)
    distributions, errors = np.zeros((len(stated), width)), np.zeros((len(stated), width))
    for row, (values, place) in enumerate(zip(stated, right, strict=True)):
        distributions[row, : len(values)] = values
        errors[row] = -distributions[row]
        errors[row, place] += 1
    pairs = len(stated) // 2
    first, second = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)
    distance = np.abs(distributions[first] - distributions[second]).sum(axis=1) / 2
    found = np.exp(-distance / BANDWIDTH) * (errors[first] * errors[second]).sum(axis=1)
    return [float(value) for value in found]
