"""Renders the report's summary for a terminal: a table of recipes by capabilities, each recipe's verdict and what was waived."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pytest_unicomp.api.records import Report
from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report import numbers, waiver_rows
from pytest_unicomp.report.matrix import CapabilityCell, RecipeRow, matrix
from pytest_unicomp.report.reply_rows import reply_lines
from pytest_unicomp.report.visible import one_line
from pytest_unicomp.report.words import VERDICTS, unchanged

WIDEST = 100
NARROWEST = 30
HEADER = ("recipe", "capability", "retention", "difference", "interval", "verdict")
# Columns that a narrow terminal drops, first to last, by index of HEADER; the verdict always stays.
EXPENDABLE = (3, 4, 2)
CAPABILITY = 1
LONGEST_NAME = 24
SHORTEST_NAME = 10
GAP, NARROW_GAP = 2, 1


def summary_lines(report: Report, width: int, *, evidence: bool = False) -> list[str]:
    """Return the summary as lines of at most `width` columns (clamped to 30..100), without colour; only names and reasons may be non-ASCII.

    Long reasons wrap onto indented lines. `evidence` adds the hashes that a waiver would name.
    """
    width = max(NARROWEST, min(WIDEST, width))
    laid_out = matrix(report)
    table = [entry for row in laid_out.rows for entry in _entries(row)]
    lines = _table(table, width) if table else []
    if lines:
        lines.append("")
    for row in laid_out.rows:
        gates = "" if row.recipe.gates else " (informs only)"
        text = f"{one_line(row.recipe.recipe)}{gates}: {VERDICTS[row.recipe.verdict].upper()}: {one_line(row.recipe.reason)}"
        lines += _wrapped(text, width)
    changed = reply_lines(report, width)
    lines += [*([""] if changed else []), *changed, *([""] if changed else [])]
    lines += [line for text in waiver_rows.evidence_lines(report) if evidence for line in _wrapped(text, width)]
    lines += [line for text in waiver_rows.waiver_lines(report) for line in _wrapped(one_line(text), width)]
    lines += [line for text in farthest(report) for line in _wrapped(text, width)]
    return lines + ([] if report.unchanged is None else _wrapped(f"power: {one_line(unchanged(report.unchanged))}", width))


def farthest(report: Report) -> list[str]:
    """Return a line on the check whose distributions are farthest apart, none if no distributions are known."""
    known = [(check.divergence_table, check) for check in report.checks if check.divergence_table is not None]
    if not known:
        return []
    table, check = max(known, key=lambda pair: pair[0].kl_mean)
    tail = f"{table.kl_mean:.4f} nats on average, {table.kl_percentiles['99']:.4f} at 99 %"
    where = f"{one_line(check.recipe)} on {one_line(check.benchmark)}"
    return [f"farthest distributions (inform only): {where}: KL {tail}, same first choice {numbers.percent(table.same_top)}"]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)


def _entries(row: RecipeRow) -> list[tuple[str, ...]]:
    """Return a recipe's rows of the table; only the first has its name."""
    name = one_line(row.recipe.recipe)
    measured = [cell for cell in row.cells if cell.pooled is not None]
    if not measured:
        return [(name, "(none)", "-", "-", "-", VERDICTS[row.recipe.verdict].upper())]
    return [(name if index == 0 else "", *_entry(cell)) for index, cell in enumerate(measured)]


def _entry(cell: CapabilityCell) -> tuple[str, ...]:
    pooled = cell.pooled
    if pooled is None:
        return ("-",) * (len(HEADER) - 1)
    texts = (
        spoken(pooled.capability),
        "-" if pooled.retention is None else numbers.percent(pooled.retention),
        "-" if pooled.difference is None else numbers.change(pooled.difference, cell.unit),
        "-" if pooled.interval is None else numbers.interval(pooled.interval, cell.unit),
        VERDICTS[pooled.verdict].upper() + (" (waived)" if pooled.waived else ""),
    )
    return tuple(numbers.ascii_only(text) for text in texts)


def _table(entries: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Return aligned lines; if `width` is too small, names of capabilities are folded, then gaps narrowed, names shortened and columns dropped."""
    kept = list(range(len(HEADER)))
    rows = [HEADER, *entries]
    widths = [min(LONGEST_NAME, max(len(row[column]) for row in rows)) for column in range(len(HEADER))]
    shortest = [min(SHORTEST_NAME, size) if column < 2 else size for column, size in enumerate(widths)]
    for column in EXPENDABLE:
        if _total(kept, shortest, NARROW_GAP) > width:
            kept.remove(column)
    folded = max(len(word) for row in rows for word in row[CAPABILITY].split())
    widths[CAPABILITY] = max(min(folded, widths[CAPABILITY]), widths[CAPABILITY] - max(0, _total(kept, widths, GAP) - width))
    gap = GAP if _total(kept, widths, GAP) <= width else NARROW_GAP
    while _total(kept, widths, gap) > width and max(widths[:2]) > 1:
        widths[0 if widths[0] >= widths[1] else 1] -= 1
    return [line for row in rows for line in _lines(row, kept, widths, gap)]


def _total(kept: Sequence[int], widths: Sequence[int], gap: int) -> int:
    return sum(widths[column] for column in kept) + gap * (len(kept) - 1)


def _lines(row: tuple[str, ...], kept: Sequence[int], widths: Sequence[int], gap: int) -> list[str]:
    """Return a row as a line, and a further one for each that the name of its capability needs."""
    first, *more = textwrap.wrap(row[CAPABILITY], widths[CAPABILITY], break_long_words=False, break_on_hyphens=False) or [""]
    rows = [tuple(first if column == CAPABILITY else text for column, text in enumerate(row))]
    rows += [tuple(part if column == CAPABILITY else "" for column in range(len(row))) for part in more]
    return [_line(each, kept, widths, gap) for each in rows]


def _line(row: tuple[str, ...], kept: Sequence[int], widths: Sequence[int], gap: int) -> str:
    parts = []
    for column in kept:
        text = row[column] if len(row[column]) <= widths[column] else row[column][: widths[column] - 1] + "~"
        parts.append(text.rjust(widths[column]) if 2 <= column <= 4 else text.ljust(widths[column]))
    return (" " * gap).join(parts).rstrip()
