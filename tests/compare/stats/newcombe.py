"""Newcombe's interval for the difference of paired proportions, which needs no iteration: a check on Tango's."""

from __future__ import annotations

from math import sqrt

from pytest_unicomp.compare.stats import wilson_interval


def newcombe_interval(both: float, losses: float, gains: float, neither: float, *, confidence: float) -> tuple[float, float]:
    """Return the hybrid score interval for the difference of paired proportions, from the cells of their table.

    Source: Newcombe 1998, Statistics in Medicine 17, 2635-2650, method 10 (Wilson limits combined with a continuity-corrected phi).
    """
    n = both + losses + gains + neither
    reference, candidate = (both + losses) / n, (both + gains) / n
    low_reference, high_reference = wilson_interval(both + losses, n, confidence=confidence)
    low_candidate, high_candidate = wilson_interval(both + gains, n, confidence=confidence)
    phi = _corrected_phi(both, losses, gains, neither)
    below, above = candidate - low_candidate, high_reference - reference
    difference = candidate - reference
    lower = difference - sqrt(max(below**2 - 2 * phi * below * above + above**2, 0.0))
    above, below = high_candidate - candidate, reference - low_reference
    upper = difference + sqrt(max(above**2 - 2 * phi * above * below + below**2, 0.0))
    return lower, upper


def _corrected_phi(both: float, losses: float, gains: float, neither: float) -> float:
    margins = (both + losses) * (gains + neither) * (both + gains) * (losses + neither)
    if margins <= 0:
        return 0.0
    n = both + losses + gains + neither
    cross = both * neither - losses * gains
    if cross > 0:
        cross = max(cross - n / 2, 0.0)
    return cross / sqrt(margins)
