"""The quantile of the standard normal distribution, by which intervals are turned into standard errors and back."""

from __future__ import annotations

from statistics import NormalDist


def quantile(probability: float) -> float:
    """Return the quantile at `probability`, in (0, 1)."""
    return NormalDist().inv_cdf(probability)


def stderr(interval: tuple[float, float], confidence: float) -> float:
    """Return the standard error of which an interval at `confidence` is the normal one."""
    return (interval[1] - interval[0]) / 2 / quantile((1 + confidence) / 2)
