"""Reads the costs of a report's recipes relative to the reference: size, time to run and time to make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_unicomp.api.records import Report
from pytest_unicomp.engine.host.health import timing_problem
from pytest_unicomp.report import numbers
from pytest_unicomp.report.study.findings.finding import Bounds

# Times of a run, the paper's own first; of these the one that most recipes have is read.
TIMED: Final = ("generation-latency", "throughput", "decode-latency", "token-latency", "prefill-latency")


def run_times(report: Report) -> tuple[str, Mapping[str, tuple[float, Bounds]]]:
    """Return the benchmark that timed most recipes, and by recipe its time over the reference's with interval; ("", {}) if none was timed."""
    found: dict[str, dict[str, tuple[float, Bounds]]] = {}
    for check in report.checks:
        ratio, interval = numbers.ratio(check), numbers.ratio_interval(check)
        # As in the gate, an interval is no evidence if others used the machine meanwhile.
        quiet = check.health is None or timing_problem(check.health) is None
        if (
            check.benchmark in TIMED
            and check.verdict != "error"
            and quiet
            and ratio is not None
            and interval is not None
            and min(interval) > 0
        ):
            found.setdefault(check.benchmark, {})[check.recipe] = (ratio, interval)
    if not found:
        return "", {}
    name = max(found, key=lambda benchmark: (len(found[benchmark]), -TIMED.index(benchmark)))
    return name, found[name]


def sizes(report: Report) -> Mapping[str, float]:
    """Return by recipe the bytes of its weight files over the reference's."""
    whole = report.reference.bytes if report.reference else 0
    return {row.recipe: row.artifact.bytes / whole for row in report.recipes if whole and row.artifact and row.artifact.bytes}


def making_seconds(report: Report) -> Mapping[str, float]:
    """Return by recipe the seconds that compressing took, as far as they are known."""
    return {row.recipe: row.artifact.compress_seconds for row in report.recipes if row.artifact and row.artifact.compress_seconds}
