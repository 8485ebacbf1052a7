"""The first lines of a run: what it measures, on what, about how long that takes, and what its items can decide; before anything runs."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.api.vocabulary import NANO_DEFAULT
from pytest_unicomp.compare.wording import counted, spoken
from pytest_unicomp.engine.host import host
from pytest_unicomp.plugin.asked import uses_gate
from pytest_unicomp.plugin.eta import about
from pytest_unicomp.run.expected_memory import ExpectedMemory, expected_memory
from pytest_unicomp.run.expected_time import Duration, in_all
from pytest_unicomp.run.forecast import CapabilityForecast, Forecast, forecast
from pytest_unicomp.run.plan import plan
from pytest_unicomp.run.preflight import Prepared
from pytest_unicomp.run.reply_forecast import undecidable_limits
from pytest_unicomp.store.baselines import BaselinesReadOnce

NAMED = 4
# Below it an unchanged model is more likely to stay undecided than to pass.
LIKELY = 0.5
# A duration known better than by this factor is one number, not a range.
CERTAIN = 1.1


class Opening:
    """Registered with the gate; prints the first lines once it is known that there is something to run."""

    def __init__(self, config: pytest.Config, prepared: Prepared) -> None:
        """Store the validated run."""
        self._config, self._prepared = config, prepared

    def pytest_report_collectionfinish(self, items: Sequence[pytest.Item]) -> list[str]:
        """Return the lines if a test of the matrix will run: a model that the file names is no reason for other tests to mention it."""
        return self._lines() if any(uses_gate(item) for item in items) else []

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Print the lines on a process that collects nothing, such as the controller of pytest-xdist."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._config.pluginmanager.hasplugin("dsession") and reporter.verbosity >= 0:
            for line in self._lines():
                reporter.write_line(line)

    def _lines(self) -> list[str]:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        width = reporter._tw.fullwidth if reporter is not None and reporter.isatty else None
        return folded([f"unicomp: {line}" for line in (*opening_lines(self._prepared), *self._prepared.plan.notes)], width)


def opening_lines(prepared: Prepared) -> list[str]:
    """Return the first lines of a run; reads stored evidence, and loads nothing."""
    stored = BaselinesReadOnce.of(prepared.baselines)
    prepared = replace(prepared, baselines=stored)
    found = forecast(prepared)
    needed = expected_memory(prepared)
    short = memory_lines(needed) if needed is not None and needed.fits is False else []
    return [*plan_lines(prepared, found), *short, *forecast_lines(found), *undecidable_limits(prepared), *left_out(prepared), *stored.notes]


def plan_lines(prepared: Prepared, found: Forecast) -> list[str]:
    """Return two lines: what is measured, and on which device and for about how long."""
    return [_what(prepared), _time(prepared, found)]


def memory_lines(needed: ExpectedMemory | None) -> list[str]:
    """Return a line on the memory that is needed at least and what is free, and what to do if it does not suffice; none if it is not known."""
    if needed is None:
        return []
    both = "" if needed.timed is None else f", {gigabytes(needed.timed)} for the two that are timed side by side"
    free = "" if needed.free is None else f"; {gigabytes(needed.free)} are free"
    dtype = f" in {needed.dtype}" if needed.dtype else ""
    what = f"memory: at least {gigabytes(needed.evaluated)} for a model that is evaluated{dtype}{both}, batches on top{free}"
    if needed.fits is not False:
        return [what]
    return [
        f"{what}: it does not fit; --device sharded spreads a model over all GPUs, and --serve over those of a server (docs/cluster.md)"
    ]


def gigabytes(size: float) -> str:
    """Return bytes as "16.1 GB", of small sizes with two more digits."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e9:.3f} GB"


def forecast_lines(found: Forecast) -> list[str]:
    """Return a line on what the items can decide, by margin, and one on each capability that has too few."""
    by_margin: dict[str, list[str]] = {}
    for one in found.capabilities:
        if one.decidable:
            by_margin.setdefault(margin_text(one), []).append(spoken(one.capability))
    lines = [f"enough items to rule out a loss of {margin} on {', '.join(names)}" for margin, names in by_margin.items()]
    unknown = [spoken(one.capability) for one in found.capabilities if one.decidable is None]
    lines += [f"nothing is known yet about {', '.join(unknown)}: the number of items or of flips"] if unknown else []
    return lines + [f"{spoken(one.capability)}: {too_few(one)}" for one in found.capabilities if one.decidable is False]


def in_words(found: Forecast) -> list[str]:
    """Return a line on each capability: the smallest loss that its items decide, or that they cannot decide its margin."""
    lines = []
    for one in found.capabilities:
        name = spoken(one.capability)
        if one.decidable and one.detectable is not None:
            seen = f"{100 * one.detectable:.2g} points" if one.rate else f"{one.detectable:.2g} nats per token"
            lines.append(f"{name}: sees losses of {seen}; {one.items} items, {one.needed} would decide {margin_text(one)}")
        elif one.decidable is None:
            lines.append(f"{name}: unknown; {'its number of items is' if one.items is None else 'its share of flips is'} not known yet")
        else:
            verb = "cannot" if (one.passes or 0.0) < LIKELY else "may not"
            lines.append(f"{name}: {verb} decide {margin_text(one)}: {one.items} items of about {one.needed}{_odds(one)}")
    return lines


def folded(lines: Sequence[str], width: int | None) -> list[str]:
    """Return lines of at most `width` columns, with what is continued indented; None folds nothing."""
    if width is None:
        return list(lines)
    return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False)]


def too_few(one: CapabilityForecast) -> str:
    """Return why a capability cannot be decided, as a clause: "too few items to rule out a loss of 3 points: 500 of about 577; ..."."""
    return f"too few items to rule out a loss of {margin_text(one)}: {one.items} of about {one.needed}{_odds(one)}"


def _odds(one: CapabilityForecast) -> str:
    return "" if one.passes is None else f"; a model without any loss passes with probability {one.passes:.2f}"


def margin_text(one: CapabilityForecast) -> str:
    """Return a margin with its unit: "3 points", "0.03 nats per token"."""
    return f"{100 * one.margin:.3g} points" if one.rate else f"{one.margin:.3g} nats per token"


def _what(prepared: Prepared) -> str:
    planned = prepared.plan
    names = {gates: [candidate.name for candidate in planned.candidates if candidate.gates == gates] for gates in (True, False)}
    informing = f", {_named(names[False])} to inform" if names[False] else ""
    return f"{planned.model} against {_named(names[True]) or 'nothing that gates'}{informing}, on {counted(len(planned.benchmarks), 'benchmark')}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED + 1 else ""
    return ", ".join(names[:NAMED] if more else names) + more


def _time(prepared: Prepared, found: Forecast) -> str:
    device = host.resolve_device(prepared.settings.device)
    where = f"on {device}" if device == "server" else f"on {device} ({host.device_name(device)})"
    made = sum(candidate.method is not None and not candidate.is_reference for candidate in prepared.plan.candidates)
    extra = [counted(made, "recipe") + " to make"] if made else []
    timed = len(prepared.plan.of_kind("latency"))
    extra += [counted(timed, "timing")] if timed else []
    total = in_all(prepared, found.evaluation)
    if total is not None and found.evaluation is not None:
        extra = [f"{_lasting(found.evaluation)} of evaluation", *extra]
        return f"{where}: {_lasting(total)} in all if the cores are idle ({', '.join(extra)}); what the store holds takes no time"
    evaluations = (
        "evaluations of unknown length" if found.evaluation is None else f"{_lasting(found.evaluation)} of evaluation if the cores are idle"
    )
    return f"{where}: {evaluations}{', ' if extra else ''}{' and '.join(extra)}; what the store holds takes no time"


def _lasting(found: Duration) -> str:
    """Return a duration in words; an estimate that is not from timings alone as a range."""
    if found.factor < CERTAIN:
        return about(found.seconds)
    low, high = about(found.seconds / found.factor), about(found.seconds * found.factor)
    return f"{low} to {high.removeprefix('about ')}"


def left_out(prepared: Prepared) -> list[str]:
    """Return a line on the sets of the embedded model that the default leaves out, and why."""
    settings = prepared.settings
    if settings.model != "nano" or settings.benchmark != (NANO_DEFAULT,):
        return []
    others = tuple(name for name, entry in benchmarks().items() if entry.only_model == "nano" and NANO_DEFAULT not in entry.sets)
    try:
        small = plan(replace(settings, benchmark=others), prepared.evaluation)
    except UnicompError:
        return []
    found = [one for one in forecast(prepared, small.cells).capabilities if one.decidable is False]
    counts = ", ".join(f"{spoken(one.capability)} {one.items} of about {one.needed}" for one in found)
    why = f" (too few items to rule out a loss of {margin_text(found[0])}: {counts})" if found else ""
    return [f"left out: {', '.join(others)}{why}; --benchmark nano measures everything"]
