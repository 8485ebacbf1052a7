"""Ratios of paired positive quantities such as seconds, estimated on the log scale, on which slower and faster are symmetric."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare.stats.means import mean, t_interval
from pytest_unicomp.compare.stats.pooling import Bounded


def ratio_interval(reference: Sequence[float], candidate: Sequence[float], *, confidence: float) -> Bounded:
    """Return the geometric mean of candidate / reference over pairs, with the exponential of the t interval of the paired log ratios.

    Needs at least two pairs of positive finite numbers; raises UnicompError otherwise.
    Source: Fieller-free interval on the log scale, as for bioequivalence (FDA 2001, "Statistical Approaches to Establishing Bioequivalence").
    """
    if len(reference) != len(candidate):
        raise UnicompError(
            f"unicomp: {len(reference)} reference and {len(candidate)} candidate values; expected as many of each, in pairs."
        )
    for value in (*reference, *candidate):
        if not 0 < value < inf:
            raise UnicompError(f"unicomp: a ratio of measurements found the value {value}; expected positive finite numbers.")
    estimate = mean([log(new) - log(old) for old, new in zip(reference, candidate, strict=True)])
    lower, upper = t_interval(estimate, confidence=confidence)
    return Bounded(exp(estimate.value), exp(lower), exp(upper))
