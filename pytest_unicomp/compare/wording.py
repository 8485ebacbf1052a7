"""Formats the numbers in a verdict's reason: differences, margins, intervals, sample sizes."""

from __future__ import annotations

from pytest_unicomp.config.margins import Margin

NATS = "nats_per_token"
# Scores without a bound in units of their own; all others are rates in [0, 1], or a metric whose unit is not known.
UNITS = {
    NATS: "nats per token",
    "nats_per_word": "nats per word",
    "nats_per_byte": "nats per byte",
    "bits_per_byte": "bits per byte",
    "nats_per_item": "nats per item",
}
# The unit of scores outside [0, 1] if the metric has no entry in UNITS.
PLAIN = "plain"
MANY_ITEMS = 1_000_000


def counted(n: int, noun: str) -> str:
    """Return "1 item", "2 items"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def amount(value: float, metric: str, *, signed: bool = False) -> str:
    """Return a difference with its unit: points (hundredths of a rate), the metric's own unit, or a plain number."""
    sign = "+" if signed else ""
    if metric == PLAIN:
        return f"{value:{sign}.3f}"
    return f"{value:{sign}.3f} {UNITS[metric]}" if metric in UNITS else f"{100 * value:{sign}.1f} points"


def spoken(name: str) -> str:
    """Return the name of a capability, question or metric as it is read, "instruction following", for the key that options and JSON have."""
    return name.replace("_", " ")


def single(*, repeatable: bool) -> str:
    """Return the spread of a single number in words: exact if it is repeatable, else not known."""
    return "exact" if repeatable else "measured once, spread not known"


def limit(margin: Margin, here: float, metric: str) -> str:
    """Return a margin in words; `here` is its value in the unit of the difference, shown for a relative margin."""
    if margin.kind == "absolute":
        return amount(here, metric)
    if margin.kind == "relative":
        return f"{100 * margin.value:g} % of the reference ({amount(here, metric)} here)"
    return f"{margin.value:g} times the reference's errors ({amount(here, metric)} more here)"


def level(value: float, metric: str) -> str:
    """Return a level as percent, or as an amount in the metric's own unit."""
    return amount(value, metric) if metric == PLAIN or metric in UNITS else f"{100 * value:.1f} %"


def interval(difference: float, lower: float, upper: float, metric: str, confidence: float) -> str:
    """Return "-1.2 points (90 % interval -2.0 to -0.4)"."""
    bounds = [f"{end:+.3f}" if metric == PLAIN or metric in UNITS else f"{100 * end:+.1f}" for end in (lower, upper)]
    return f"{amount(difference, metric, signed=True)} ({100 * confidence:.0f} % interval {bounds[0]} to {bounds[1]})"


def basis(n: int, discordance: float, detectable: float, metric: str) -> str:
    """Return n, discordance and minimum detectable effect as one clause."""
    return f"{counted(n, 'item')}, {100 * discordance:.1f} % of them scored differently; smallest loss detectable with 80 % power: {amount(detectable, metric)}"


def would_decide(items: int | None) -> str:
    """Return how many items would decide, as a clause; None: no number would."""
    if items is None:
        return "the difference equals the margin, so no number of items decides"
    if items > MANY_ITEMS:
        return "the difference is so close to the margin that a decision needs over a million items"
    return f"about {counted(items, 'item')} would decide (80 % power) if the difference stays the same"
