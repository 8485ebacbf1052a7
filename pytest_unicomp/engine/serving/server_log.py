"""Finds the first cause of a failure in what a server printed."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Lines at the end of the output that stand in if nothing in it looks like a cause.
TAIL = 5
LONGEST = 400
TRACEBACK = "Traceback (most recent call last):"
# An exception as Python prints it after its frames: a dotted name, mostly with a message.
RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:: .*)?")
FATAL = re.compile(r"error\b|\b(?:fatal|failed|cannot|panic)\b", re.IGNORECASE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def first_cause(output: str) -> str:
    """Return the exception of the first traceback in the output of a server, on one line.

    A program in several processes prints the traceback of each, and Python prints the cause of an exception before it, so the first is the cause
    of those that follow. Without a traceback, it is the first line that names an error, else the last lines; "nothing" if nothing was printed.
    """
    lines = [line for line in _COLOUR.sub("", output).splitlines() if line.strip()]
    for number, line in enumerate(lines):
        column = line.find(TRACEBACK)
        if column >= 0:
            found = _raised(lines[number + 1 :], column)
            if found is not None:
                return found[:LONGEST]
    named = next((line.strip() for line in lines if FATAL.search(line)), None)
    return (named or " / ".join(line.strip() for line in lines[-TAIL:]) or "nothing")[:LONGEST]


def _raised(following: Sequence[str], column: int) -> str | None:
    """Return the exception that ends a traceback whose lines begin at a column, after what a logger writes before each of them."""
    for line in following:
        text = line[column:].rstrip()
        # Frames are indented.
        if RAISED.fullmatch(text):
            return text
    return None
