"""Reads the calls of a reply in Python's syntax, `[name(argument=value), ...]`; nothing of it is executed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 20_000
_FENCE = re.compile(r"```\w*\n(.*?)\n?```", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """One call: the function's name, with its dots, and the values of its named arguments."""

    name: str
    arguments: Mapping[str, Any]


def calls(reply: str) -> list[Call] | None:
    """Return the calls of a reply, alone or in one code fence, with or without the list around them; None if it is anything else.

    Calls with arguments that are not named, or named twice, are none. A value that is neither a literal nor made of them is its own source text.
    """
    text = reply.strip()
    fenced = _FENCE.fullmatch(text)
    text = fenced[1].strip() if fenced else text.strip("`").strip()
    if not text or len(text) > LONGEST:
        return None
    try:
        # The compiler warns of odd escapes in the text of a model.
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text if text.startswith("[") else f"[{text}]", mode="eval").body
        found = [_call(node) for node in tree.elts] if isinstance(tree, ast.List) else [None]
    # Nested too deeply, or a number of too many digits.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if None in found else [one for one in found if one is not None]


def _call(node: ast.expr) -> Call | None:
    if not isinstance(node, ast.Call) or node.args or not isinstance(node.func, ast.Name | ast.Attribute):
        return None
    named = {keyword.arg: _value(keyword.value) for keyword in node.keywords if keyword.arg is not None}
    return Call(ast.unparse(node.func), named) if len(named) == len(node.keywords) else None


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    # No literal: a variable, or an expression.
    except (ValueError, TypeError):
        return ast.unparse(node)
