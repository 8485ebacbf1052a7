"""HTML for single values of the page: the rounded number with its exact value in markup, or a dash with the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from pytest_unicomp.api.records import Check, Estimate
from pytest_unicomp.report import numbers
from pytest_unicomp.report.numbers import DASH, Unit
from pytest_unicomp.report.visible import visible


def dash(why: str) -> Markup:
    """Return the reason why a value is missing; the style sheet shows a dash, screen readers and the tooltip give the reason."""
    return Markup('<i class="none" title="{0}">{0}</i>').format(why)


def data(value: float | int | None, text: str, why: str) -> Markup:
    """Return `text` in a `<data>` element with the exact value, or a dash with the reason `why` there is none."""
    # Numbers need no quotes, and a page has tens of thousands of them.
    return dash(why) if value is None else Markup("<data value={}>{}</data>").format(repr(value), text)


def percent(value: float | None, why: str = "not measured") -> Markup:
    """Return a rate or a retention as percent."""
    return data(value, "" if value is None else numbers.percent(value), why)


def change(value: float | None, unit: Unit, why: str = "not measured") -> Markup:
    """Return a difference with sign and unit."""
    return data(value, "" if value is None else numbers.change(value, unit), why)


def amount(value: float | None, unit: Unit, why: str = "not measured") -> Markup:
    """Return a margin or a detectable effect."""
    return data(value, "" if value is None else numbers.amount(value, unit), why)


def interval(bounds: tuple[float, float] | None, unit: Unit, why: str = "no interval") -> Markup:
    """Return both bounds in the unit of the difference."""
    if bounds is None:
        return dash(why)
    low, high = (data(bound, numbers.change(bound, unit, named=False), why) for bound in bounds)
    return Markup("[{}, {}]").format(low, high)


def level(estimate: Estimate, check: Check) -> Markup:
    """Return a measured value with its standard error and, if the metric is nats per token, the perplexity."""
    value = data(estimate.value, "" if estimate.value is None else numbers.level(estimate.value, check), "not measured")
    if estimate.value is None:
        return value
    notes = []
    if estimate.stderr is not None:
        text = numbers.level(estimate.stderr, check).removesuffix("%").removesuffix(" nats")
        notes.append(Markup("± {}").format(data(estimate.stderr, text, "")))
    if check.metric == numbers.NATS:
        notes.append(Markup("perplexity {}").format(numbers.perplexity(estimate.value)))
    return value + Markup("").join(Markup(" <small>{}</small>").format(note) for note in notes)


def size(value: int | None, why: str = "not known") -> Markup:
    """Return a number of bytes in decimal units."""
    return data(value, "" if value is None else numbers.size(value), why)


def seconds(value: float | None, why: str = "not measured") -> Markup:
    """Return a duration in seconds, milliseconds or microseconds."""
    return data(value, "" if value is None else numbers.duration(value), why)


def plain(value: float | None, digits: int, why: str = "not known") -> Markup:
    """Return a number with `digits` decimals."""
    return data(value, "" if value is None else f"{value:.{digits}f}".replace("-", "−"), why)


def gain(value: float | None, why: str = "not measured") -> Markup:
    """Return a difference of scores with its sign and one decimal."""
    return data(value, "" if value is None else numbers.signed(value, 1), why)


def gains(bounds: tuple[float, float] | None, why: str = "no interval") -> Markup:
    """Return both bounds of a difference of scores."""
    if bounds is None:
        return dash(why)
    return Markup("[{}, {}]").format(*(gain(bound) for bound in bounds))


def count(value: int | None, why: str = "not known") -> Markup:
    """Return a whole number with thin spaces between thousands."""
    return data(value, "" if value is None else f"{value:,}".replace(",", "\u202f"), why)


def ratio(check: Check) -> Markup:
    """Return the ratio candidate / reference of an efficiency check; with its interval, unless the ratio is exact."""
    value, bounds = numbers.ratio(check), numbers.ratio_interval(check)
    shown = data(value, "" if value is None else numbers.times(value), "not measured")
    if bounds is None or bounds[0] == bounds[1]:
        return shown
    low, high = (data(bound, numbers.times(bound).removesuffix("×"), "") for bound in bounds)
    return shown + Markup(' <small class="interval">[{}, {}]</small>').format(low, high)


def scaled(value: float | None, factor: float, digits: int, why: str = "not measured") -> Markup:
    """Return `factor` times a number with `digits` decimals; the markup keeps the exact value in the report's own unit."""
    return data(value, "" if value is None else f"{factor * value:.{digits}f}".replace("-", "−"), why)


def times(value: float | None, why: str = "not known") -> Markup:
    """Return a ratio."""
    return data(value, "" if value is None else numbers.times(value), why)


def limit(check: Check) -> Markup:
    """Return the largest ratio that an efficiency check allows."""
    at_most = numbers.largest_ratio(check)
    return data(at_most, "" if at_most is None else numbers.times(at_most), "no limit")


def flat(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, text) pairs in their order; None becomes a dash."""
    pairs: list[tuple[str, str]] = []
    for key, value in mapping.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs += flat(value, f"{name}.")
        elif isinstance(value, list | tuple):
            pairs.append((name, ", ".join(str(entry) for entry in value) or DASH))
        elif isinstance(value, bool):
            pairs.append((name, "yes" if value else "no"))
        else:
            pairs.append((name, DASH if value is None else str(value)))
    return pairs


def finalize(value: Any) -> Any:
    """Prepare each value that a template prints: escape text and show its control characters, keep markup, raise ValueError for None."""
    if isinstance(value, Markup):
        return value
    if value is None:
        raise ValueError("the template printed None; expected a value, or a dash with its reason")
    return escape(visible(value)) if isinstance(value, str) else value
