"""Formats numbers for every report: rates as percent, differences in signed points, other metrics in their units."""

from __future__ import annotations

import math
from typing import Literal

from pytest_unicomp.api.records import CalibrationGain, CapabilityVerdict, Check

Unit = Literal["rate", "nats", "relative", "plain"]
DASH = "–"
_ASCII = str.maketrans({"−": "-", "–": "-", "×": "x", "±": "+-", "’": "'"})
NATS = "nats_per_token"


def unit_of(check: Check) -> Unit:
    """Return the unit of a check's difference: rates in [0, 1], nats per token, or a share of the reference's value (efficiency)."""
    if check.question == "efficiency" or (check.question == "reply_limits" and check.metric == "length_ratio"):
        return "relative"
    if check.metric == NATS:
        return "nats"
    return "plain" if check.question in ("artifact", "must_pass") else "rate"


def unit_of_capability(capability: CapabilityVerdict, checks: list[Check]) -> Unit:
    """Return the unit of a pooled capability: that of its benchmarks, or "plain" if they differ."""
    question = "efficiency" if capability.dimension == "efficiency" else "retention"
    benchmarks = set(capability.benchmarks)
    units = {unit_of(check) for check in checks if check.benchmark in benchmarks and check.question == question}
    if len(units) == 1:
        return units.pop()
    return "plain" if units else "relative" if question == "efficiency" else "rate"


def unit_of_gain(gain: CalibrationGain) -> Unit:
    """Return the unit of a gain from other calibration text."""
    return "nats" if gain.metric == NATS else "rate"


def signed(value: float, digits: int) -> str:
    """Format a number with its sign (a true minus); a value that rounds to zero has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def percent(value: float) -> str:
    """Format a share of 1 as percent with one decimal: 0.8421 -> "84.2%"."""
    return f"{100 * value:.1f}%".replace("-", "−")


def change(value: float, unit: Unit, *, named: bool = True) -> str:
    """Format a difference with its sign, in points, nats or percent of the reference; `named` adds the unit."""
    if unit == "rate":
        return signed(100 * value, 1) + (" pts" if named else "")
    if unit == "nats":
        return signed(value, 3) + (" nats" if named else "")
    if unit == "relative":
        return signed(100 * value, 1) + ("%" if named else "")
    return signed(value, 3)


def amount(value: float, unit: Unit) -> str:
    """Format a size that has no direction (a margin, a detectable effect) in the unit of the difference."""
    return change(value, unit).lstrip("+")


def interval(bounds: tuple[float, float], unit: Unit) -> str:
    """Format an interval in the unit of the difference, without naming it: "[−2.4, +0.1]"."""
    return f"[{change(bounds[0], unit, named=False)}, {change(bounds[1], unit, named=False)}]"


def size(value: float) -> str:
    """Format bytes in decimal units: 11800000 -> "11.8 MB"."""
    for factor, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(value) >= factor:
            return f"{value / factor:.1f} {name}"
    return f"{value:.0f} B"


def duration(seconds: float) -> str:
    """Format seconds as s, ms or µs, in the largest unit of which there is at least one."""
    for factor, name in ((1.0, "s"), (1e-3, "ms")):
        if abs(seconds) >= factor:
            return f"{seconds / factor:.4g} {name}"
    return f"{seconds * 1e6:.3g} µs" if seconds else "0 s"


def operations(value: float) -> str:
    """Format floating-point operations: 3210000000 -> "3.21 GFLOP"."""
    for factor, name in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {name}FLOP"
    return f"{value:.0f} FLOP"


def is_timed(check: Check) -> bool:
    """Return True if the check's values are seconds, per round or per token."""
    return check.metric.startswith("second") or check.metric.endswith("_seconds")


def level(value: float, check: Check) -> str:
    """Format a measured value in the unit of its metric: rates as percent, nats per token, bytes, operations, seconds."""
    unit = unit_of(check)
    if unit == "rate":
        return percent(value)
    if unit == "nats":
        return f"{value:.3f} nats"
    if "bytes" in check.metric:
        return size(value)
    if check.metric == "flops":
        return operations(value)
    if is_timed(check):
        return duration(value)
    return f"{value:.4g}".replace("-", "−")


def perplexity(nats: float) -> str:
    """Format the perplexity exp(nats per token); an overflow is shown as infinity."""
    return f"{math.exp(nats):.4g}" if nats < 700 else "∞"


def ratio(check: Check) -> float | None:
    """Return the ratio candidate / reference of an efficiency check: 1 + d, or 1 - d if lower is better, for its relative difference d.

    For paired timings it is the geometric mean over pairs, not the quotient of the two shown means.
    """
    if check.difference is None:
        return None
    return 1 + check.difference if check.higher_is_better else 1 - check.difference


def ratio_interval(check: Check) -> tuple[float, float] | None:
    """Return the interval of candidate / reference: 1 + d, or 1 - d if lower is better, for the relative difference d."""
    if check.interval is None:
        return None
    low, high = check.interval
    return (1 + low, 1 + high) if check.higher_is_better else (1 - high, 1 - low)


def largest_ratio(check: Check) -> float | None:
    """Return the largest ratio candidate / reference that the margin allows (the smallest if higher is better); None without a margin."""
    if check.margin is None:
        return None
    return 1 - check.margin if check.higher_is_better else 1 + check.margin


def times(value: float) -> str:
    """Format a ratio: 0.312 -> "0.312×"."""
    return f"{value:.3f}×".replace("-", "−")


def ascii_only(text: str) -> str:
    """Return a formatted number in ASCII, for terminals."""
    return text.translate(_ASCII)
