"""Renders a report as Markdown, short enough for a pull-request comment: verdict, matrix, and the reasons of what did not pass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pytest_unicomp.api.records import CapabilityVerdict, Check, RecipeVerdict, Report
from pytest_unicomp.compare import partial
from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report import numbers, waiver_rows
from pytest_unicomp.report.matrix import CapabilityCell, RecipeRow, matrix
from pytest_unicomp.report.visible import one_line
from pytest_unicomp.report.words import GAINS, SYMBOLS, VERDICTS, exit_meaning, unchanged
from pytest_unicomp.store.local import write_text

REASONS_SHOWN = 20
WAIVERS_SHOWN = 20
LONGEST_REASON = 300
# Markup that has a meaning anywhere in a line; text is never placed at the start of one.
_MARKUP = re.compile(r"([\\`*_\[\]|~$>])")
# A zero-width space keeps GitHub and the like from making a mention, a link or an issue reference.
_LINKS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)|(?<=#)(?=\d)")


def escaped(text: str) -> str:
    """Return untrusted text on one line, escaped so that Markdown shows it as text: no markup, HTML, table cell, mention or link."""
    plain = one_line(text).replace("&", "&amp;").replace("<", "&lt;")
    return _LINKS.sub("\u200b", _MARKUP.sub(r"\\\1", plain))


def render(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown, under 65,536 characters for any report of at most 100 recipes."""
    laid_out = matrix(report)
    power = [] if report.unchanged is None else [f"Power: {escaped(unchanged(report.unchanged))}.", ""]
    partly = f", {partial.counted(report.partial)}" if report.partial else ""
    lines = [
        f"## {SYMBOLS[report.verdict]} unicomp: {VERDICTS[report.verdict].upper()}{partly}{waiver_rows.verdict_clause(report)}",
        "",
        f"Reason: {_reason(report.reason)} (exit code {report.exit_code}: {exit_meaning(report.exit_code)})",
        "",
        *power,
    ]
    if report.reference is not None:
        reference = report.reference
        lines += [f"Reference: {escaped(reference.model)}, {reference.parameters:,} parameters, {numbers.size(reference.bytes)}.", ""]
    if laid_out.rows:
        lines += ["| recipe | verdict | " + " | ".join(spoken(column) for column in laid_out.columns) + " |"]
        lines += ["| --- " * (2 + len(laid_out.columns)) + "|"]
        lines += [_row(row) for row in laid_out.rows]
        lines += ["", "Retention, and the paired difference with its interval; negative is worse. *Italic*: informs only.", ""]
    lines += _left_out(report)
    lines += _waivers(report)
    lines += _gains(report)
    lines += _reasons(report, laid_out.rows)
    return "\n".join(lines).rstrip("\n") + "\n"


def _left_out(report: Report) -> list[str]:
    """Return the planned tests that have no answer, if the run is partial."""
    if report.partial is None:
        return []
    missing = report.partial.missing
    more = [f"- … and {len(missing) - REASONS_SHOWN} more in the JSON and HTML reports"] if len(missing) > REASONS_SHOWN else []
    why = f"{partial.counted(report.partial).capitalize()}: {escaped(report.partial.why)}."
    return ["### Left out", "", why, "", *(f"- {escaped(partial.named(left))}" for left in missing[:REASONS_SHOWN]), *more, ""]


def _waivers(report: Report) -> list[str]:
    """Return the table of waivers: what is waived, by whom, until when and why."""
    if not report.waivers:
        return []
    lines = ["### Waivers", "", "| what | state | owner | until | reason |", "| --- | --- | --- | --- | --- |"]
    for waiver in report.waivers[:WAIVERS_SHOWN]:
        cells = (
            escaped(waiver_rows.excuses(waiver)),
            waiver_rows.STATE_WORDS[waiver.state],
            escaped(waiver.owner),
            waiver.expires,
            _reason(waiver.reason),
        )
        lines.append(f"| {' | '.join(cells)} |")
    more = len(report.waivers) - WAIVERS_SHOWN
    return [*lines, "", *([f"… and {more} more waivers in the JSON and HTML reports", ""] if more > 0 else [])]


def _gains(report: Report) -> list[str]:
    """Return the table of gains from other calibration text, if the run measured them."""
    if not report.calibration_gains:
        return []
    lines = [
        "### Calibration text",
        "",
        "| recipe | from | to | capability | gain | interval | answer |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for gain in report.calibration_gains:
        unit = numbers.unit_of_gain(gain)
        cells = (escaped(gain.recipe), escaped(gain.calibration), escaped(gain.target), spoken(gain.capability))
        lines.append(
            f"| {' | '.join(cells)} | {numbers.change(gain.difference, unit)} | {numbers.interval(gain.interval, unit)} | {GAINS[gain.verdict]} |"
        )
    return [*lines, ""]


def _reason(text: str) -> str:
    line = one_line(text)
    return escaped(line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 1] + "…")


def _row(row: RecipeRow) -> str:
    name = escaped(row.recipe.recipe)
    cells = [name if row.recipe.gates else f"*{name}*", f"{SYMBOLS[row.recipe.verdict]} {VERDICTS[row.recipe.verdict]}"]
    return "| " + " | ".join([*cells, *(_cell(cell) for cell in row.cells)]) + " |"


def _cell(cell: CapabilityCell) -> str:
    pooled = cell.pooled
    if pooled is None:
        return "– not measured"
    parts = [SYMBOLS[pooled.verdict] + (" waived" if pooled.waived else "")]
    if pooled.retention is not None:
        parts.append(numbers.percent(pooled.retention))
    if pooled.difference is not None:
        parts.append(f"({numbers.change(pooled.difference, cell.unit)})")
    if pooled.interval is not None:
        parts.append(numbers.interval(pooled.interval, cell.unit))
    return " ".join(parts) if len(parts) > 1 else f"{parts[0]} {VERDICTS[pooled.verdict]}"


def _reasons(report: Report, rows: Sequence[RecipeRow]) -> list[str]:
    """Return why gating recipes did not pass, then the checks behind it, at most REASONS_SHOWN."""
    missed = [row for row in rows if row.recipe.gates and row.recipe.verdict != "pass"]
    if not missed:
        return []
    lines = ["### Why", ""]
    for row in missed:
        lines.append(f"- **{escaped(row.recipe.recipe)}** {VERDICTS[row.recipe.verdict]}: {_reason(row.recipe.reason)}")
    lines += _capabilities([row.recipe for row in missed])
    checks = [check for check in report.checks if check.gates and check.verdict != "pass" and not check.waived]
    order = list(VERDICTS)
    checks.sort(key=lambda check: (check.verdict != "error", check.verdict != "fail", order.index(check.verdict)))
    lines += [_check(check) for check in checks[:REASONS_SHOWN]]
    if len(checks) > REASONS_SHOWN:
        lines.append(f"- … and {len(checks) - REASONS_SHOWN} more checks that did not pass, in the JSON and HTML reports")
    return lines


def _capabilities(missed: Sequence[RecipeVerdict]) -> list[str]:
    """Return the capabilities that a waiver could excuse, with their hashes; the matrix has their numbers."""
    found = [(recipe, pooled) for recipe in missed for pooled in recipe.capabilities]
    lines = [
        f"- {SYMBOLS[pooled.verdict]} {escaped(f'{recipe.recipe}, capability {spoken(pooled.capability)}')} {VERDICTS[pooled.verdict]}.{_evidence(pooled)}"
        for recipe, pooled in found
        if pooled.verdict != "pass" and pooled.evidence and not pooled.waived
    ]
    more = [f"- … and {len(lines) - REASONS_SHOWN} more capabilities, in the JSON and HTML reports"] if len(lines) > REASONS_SHOWN else []
    return [*lines[:REASONS_SHOWN], *more]


def _check(check: Check) -> str:
    subject = f"{escaped(check.recipe)} on {escaped(check.benchmark)}"
    return f"- {SYMBOLS[check.verdict]} {subject} ({check.question}) {VERDICTS[check.verdict]}: {_reason(check.reason)}{_evidence(check)}"


def _evidence(judged: Check | CapabilityVerdict) -> str:
    """Return the hash that a waiver would name, or an empty text if there is none."""
    return f" Evidence `{judged.evidence}`." if judged.evidence else ""


def write(report: Report, path: Path) -> None:
    """Write the comment atomically. Raises OSError if writing fails."""
    write_text(path, render(report))
