"""Chooses the checks whose replies the reports show, the worst first, and lays them out for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from pytest_unicomp.api.records import Check, Report, ShareChange
from pytest_unicomp.compare.replies import said
from pytest_unicomp.report.visible import one_line

HEADER = ("replies", "benchmark", "tokens", "ratio", "interval", "cut, %", "looping, %")
# Rows on a terminal; the page has all.
SHOWN = 5
NAMES = (0, 1)
SHORTEST, GAP, NARROW_GAP = 8, 2, 1
# What a narrow terminal drops first, by index of HEADER.
EXPENDABLE = (4, 2, 3, 5)


def replied(report: Report) -> list[Check]:
    """Return the retention checks that know how replies changed, the worst first.

    The worst has the largest of these: the rise of a share (cut, looping, ended in mid-thought, right in the thoughts alone; 1 is all replies), and
    the size of the logarithm of the ratio of lengths, since replies that shrink are no better than replies that grow.
    """
    return sorted((check for check in report.checks if check.question == "retention" and check.replies), key=_severity, reverse=True)


def _severity(check: Check) -> float:
    change = check.replies
    if change is None:
        return 0.0
    shares = (change.truncated, change.looping, change.unfinished, change.only_in_thoughts)
    length = abs(log(change.length_ratio)) if change.length_ratio else 0.0
    return max(length, *(share.difference for share in shares if share is not None), 0.0)


def reply_lines(report: Report, width: int) -> list[str]:
    """Return a table of the replies that changed beyond doubt, the worst first, in lines of at most `width` columns; none if no replies did."""
    changed = [check for check in replied(report) if check.replies is not None and said(check.replies)]
    if not changed:
        return []
    rows = [HEADER, *map(_row, changed[:SHOWN])]
    kept, widths = list(range(len(HEADER))), [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for column in EXPENDABLE:
        if _total(kept, [min(size, SHORTEST) if place in NAMES else size for place, size in enumerate(widths)], NARROW_GAP) > width:
            kept.remove(column)
    gap = GAP if _total(kept, widths, GAP) <= width else NARROW_GAP
    while _total(kept, widths, gap) > width and max(widths[place] for place in NAMES) > SHORTEST:
        widths[max(NAMES, key=widths.__getitem__)] -= 1
    lines = [(" " * gap).join(_cell(row[column], widths[column], left=column in NAMES) for column in kept).rstrip() for row in rows]
    left = len(changed) - SHOWN
    return [*lines, *([f"and {left} more in the report"] if left > 0 else [])]


def _total(kept: Sequence[int], widths: Sequence[int], gap: int) -> int:
    return sum(widths[column] for column in kept) + gap * (len(kept) - 1)


def _row(check: Check) -> tuple[str, ...]:
    change = check.replies
    assert change is not None
    tokens = "-" if change.tokens is None else " to ".join(map(_short, change.tokens))
    ratio = "-" if change.length_ratio is None else f"{change.length_ratio:.2f}x"
    bounds = change.length_ratio_interval
    interval = "-" if bounds is None else f"[{bounds[0]:.2f}, {bounds[1]:.2f}]"
    return one_line(check.recipe), one_line(check.benchmark), tokens, ratio, interval, _share(change.truncated), _share(change.looping)


def _share(share: ShareChange | None) -> str:
    return "-" if share is None else f"{_short(100 * share.reference)} to {_short(100 * share.candidate)}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:.0f}"


def _cell(text: str, width: int, *, left: bool) -> str:
    text = text if len(text) <= width else text[: width - 1] + "~"
    return text.ljust(width) if left else text.rjust(width)
