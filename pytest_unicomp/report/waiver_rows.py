"""Text about waivers for every report: how many applied, the verdict without them, and the hashes that a new waiver would name."""

from __future__ import annotations

from pytest_unicomp.api.records import Report, WaiverState
from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report.words import VERDICTS

SHOWN = 12
STATE_WORDS = {
    "applied": "applied",
    "expired": "EXPIRED",
    "other_evidence": "NOT APPLIED: the evidence has changed",
    "not_needed": "not needed",
    "not_met": "matched no check",
}


def applied(report: Report) -> int:
    """Return how many waivers applied."""
    return sum(waiver.state == "applied" for waiver in report.waivers)


def verdict_clause(report: Report) -> str:
    """Return " with 2 waivers; without them: FAIL", or an empty text if no waiver applied."""
    times = applied(report)
    if not times or report.without_waivers is None:
        return ""
    waivers, them = ("waivers", "them") if times > 1 else ("waiver", "it")
    return f" with {times} {waivers}; without {them}: {VERDICTS[report.without_waivers].upper()}"


def excuses(waiver: WaiverState) -> str:
    """Return a description of the excused check: "RECIPE on BENCHMARK (question)" or "RECIPE on CAPABILITY (capability)"."""
    what = f"{waiver.benchmark} ({spoken(waiver.question)})" if waiver.benchmark else f"{spoken(waiver.capability or '')} (capability)"
    return f"{waiver.recipe} on {what}"


def waiver_lines(report: Report) -> list[str]:
    """Return one line per waiver, for a terminal."""
    return [f"waiver: {excuses(waiver)}: {STATE_WORDS[waiver.state]}: {waiver.note}; reason: {waiver.reason}" for waiver in report.waivers]


def evidence_lines(report: Report) -> list[str]:
    """Return one line with the hash per capability or check that a waiver could excuse, at most SHOWN: gating and not passed."""
    found = []
    for recipe in report.recipes:
        if not recipe.gates or recipe.verdict == "pass":
            continue
        found += [
            f"{recipe.recipe}, capability {pooled.capability}: evidence {pooled.evidence}"
            for pooled in recipe.capabilities
            if pooled.verdict not in ("pass", "error") and pooled.evidence and not pooled.waived
        ]
        found += [
            f"{recipe.recipe} on {check.benchmark} ({spoken(check.question)}): evidence {check.evidence}"
            for check in report.checks
            if check.recipe == recipe.recipe and check.verdict == "fail" and check.evidence and not check.waived
        ]
    more = [f"... and {len(found) - SHOWN} more in the JSON report"] if len(found) > SHOWN else []
    return [*found[:SHOWN], *more]
