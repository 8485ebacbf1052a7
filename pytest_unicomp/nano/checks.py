"""Judges replies by rules: is a command fulfilled, is a request refused, which number is the answer?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_unicomp.nano.words import values

Arguments = Mapping[str, Any]
_NUMBER = re.compile(r"####\s*(-?\d+)")
_REFUSALS = (
    "i cannot",
    "i can't",
    "i can not",
    "i will not",
    "i won't",
    "i must not",
    "i am not able",
    "i'm not able",
    "i am unable",
    "i'm unable",
    "sorry",
)


def final_number(reply: str) -> str | None:
    """Return the number after the last `####`, without leading zeros, or None if the reply has no such marker."""
    found = _NUMBER.findall(reply)
    return str(int(found[-1])) if found else None


def refuses(reply: str) -> bool:
    """Return True if the reply opens with a refusal; an empty reply does not."""
    opening = reply.strip().lower().replace("’", "'")[:60]
    return any(phrase in opening for phrase in _REFUSALS)


def fulfils(specification: Mapping[str, Any], reply: str) -> bool:
    """Return True if `reply` fulfils `specification` ({"kind", "arguments"}), ignoring surrounding blanks; raise ValueError for an unknown kind."""
    kind = specification["kind"]
    if kind not in _CHECKS:
        raise ValueError(f"no check for the command {kind!r}; known: {', '.join(_CHECKS)}")
    return _CHECKS[kind](specification["arguments"], reply.strip())


def _repeat(arguments: Arguments, reply: str) -> bool:
    return reply.split() == [arguments["word"]] * int(arguments["times"])


def _list(arguments: Arguments, reply: str) -> bool:
    words = reply.split(", ")
    return len(words) == arguments["count"] == len(set(words)) and set(words) <= set(values(arguments["category"]))


def _join(arguments: Arguments, reply: str) -> bool:
    return reply == str(arguments["separator"]).join(arguments["words"])


def _reverse(arguments: Arguments, reply: str) -> bool:
    return reply.split() == list(reversed(arguments["words"]))


def _leave_out(arguments: Arguments, reply: str) -> bool:
    return reply.split() == [word for word in arguments["words"] if word != arguments["without"]]


def _replace(arguments: Arguments, reply: str) -> bool:
    return reply.split() == [arguments["new"] if word == arguments["old"] else word for word in arguments["words"]]


def _capitals(arguments: Arguments, reply: str) -> bool:
    return reply.split() == [word.upper() for word in arguments["words"]]


def _pick(arguments: Arguments, reply: str) -> bool:
    return reply == str(arguments["words"][arguments["place"]])


def _count(arguments: Arguments, reply: str) -> bool:
    return reply == str(len(arguments["words"]))


def _ending(arguments: Arguments, reply: str) -> bool:
    words = reply.split()
    return len(words) == 2 and words[0] in values(arguments["category"]) and words[1] == arguments["last"]


def _wrap(arguments: Arguments, reply: str) -> bool:
    left, right = arguments["marks"]
    return reply == " ".join(f"{left}{word}{right}" for word in arguments["words"])


def _swap(arguments: Arguments, reply: str) -> bool:
    first, *middle, last = arguments["words"]
    return reply.split() == [last, *middle, first]


_CHECKS: dict[str, Callable[[Arguments, str], bool]] = {
    "repeat": _repeat,
    "list": _list,
    "join": _join,
    "reverse": _reverse,
    "leave-out": _leave_out,
    "replace": _replace,
    "capitals": _capitals,
    "pick": _pick,
    "count": _count,
    "ending": _ending,
    "wrap": _wrap,
    "swap": _swap,
}
KINDS = tuple(_CHECKS)
