"""No part of the package decides by the words of a message: what something must know is a field, never a piece of a sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_unicomp

PACKAGE = Path(pytest_unicomp.__file__).parent
CUTS = {
    "startswith",
    "endswith",
    "split",
    "rsplit",
    "splitlines",
    "partition",
    "rpartition",
    "replace",
    "removeprefix",
    "removesuffix",
    "find",
    "rfind",
    "index",
    "rindex",
    "count",
}
PATTERNS = {"match", "fullmatch", "search", "findall", "finditer", "sub"}
FIELDS = {"reason", "message", "note"}
NAMES = {"reason", "message"}
# Each owns the text that it reads, and says there why nothing typed is to be had.
ALLOWED = {
    # The one place that knows the prefix of this package's own messages, and the one that puts foreign ones on one line.
    ("api/errors.py", "detail"),
    ("api/errors.py", "one_line"),
    # Only torch's words say how much memory was asked for.
    ("benchmarks/efficiency/room.py", "fitting"),
    # torch raises a bare RuntimeError if the CPU's memory is short.
    ("engine/out_of_memory.py", "is_out_of_memory"),
    # The first line of what Ray reports, to be shown.
    ("run/executors/ray.py", "_first_line"),
}


def test_no_module_takes_messages_apart():
    found = [
        f"{path.relative_to(PACKAGE).as_posix()}:{line} in {function}: {code}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for function, line, code in cuts(path.read_text(encoding="utf-8"))
        if (path.relative_to(PACKAGE).as_posix(), function) not in ALLOWED
    ]
    assert not found, "\n".join(found)


def test_every_exception_is_needed():
    needed = {(name, function) for name, _ in ALLOWED for function, _, _ in cuts((PACKAGE / name).read_text(encoding="utf-8"))}
    assert needed == ALLOWED


@pytest.mark.parametrize(
    "planted",
    [
        "check.reason.startswith('baseline rewritten')",
        "check.reason.split(', within', 1)[0]",
        "check.reason.replace('(exact)', '')",
        "'hidden danger' in check.reason",
        "check.reason == 'nothing was measured'",
        "re.search('at chance', found.note)",
        "str(error).removeprefix('unicomp: ')",
        "f'{error}'.split()",
        "message.partition(' on ')",
        "reason[:5] == 'lost:'",
    ],
)
def test_a_planted_cut_is_found(planted):
    source = (
        f"def decide(check, found, message, reason):\n    try:\n        pass\n    except ValueError as error:\n        return {planted}\n"
    )
    assert [function for function, _, _ in cuts(source)] == ["decide"]


def test_a_message_is_followed_through_names():
    source = "def decide(check):\n    words = check.reason\n    shown = words\n    return shown.endswith('allowed')\n"
    assert [line for _, line, _ in cuts(source)] == [4]


def test_what_only_shows_or_joins_a_message_is_no_cut():
    source = "def show(check, known):\n    return f'{check.reason}; ' + ', '.join([check.reason]), check.name.split('-'), check.reason or 'none'\n"
    assert not list(cuts(source))


def cuts(source: str) -> Iterator[tuple[str, int, str]]:
    """Yield function, line and code of everything that takes a message apart or looks for words in it."""
    tree = ast.parse(source)
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        nested = {
            id(inner)
            for part in ast.walk(function)
            if part is not function and isinstance(part, ast.FunctionDef)
            for inner in ast.walk(part)
        }
        own = [node for node in ast.walk(function) if id(node) not in nested]
        messages = _Messages(own)
        for node in own:
            if messages.taken_apart_by(node):
                yield function.name, node.lineno, ast.unparse(node)


class _Messages:
    """Knows which expressions of one function are messages: fields and names that hold one, texts of exceptions, and what is assigned from them."""

    def __init__(self, nodes: list[ast.AST]) -> None:
        self._caught = {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name} | {"error", "exception"}
        self._names = set(NAMES)
        for _ in range(3):
            for node in nodes:
                if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None and self.holds(node.value):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    self._names |= {target.id for target in targets if isinstance(target, ast.Name)}

    def holds(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self._names
        if isinstance(node, ast.Attribute):
            return node.attr in FIELDS
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str" and node.args:
            return self._is_exception(node.args[0])
        if isinstance(node, ast.JoinedStr):
            return len(node.values) == 1 and isinstance(node.values[0], ast.FormattedValue) and self._is_exception(node.values[0].value)
        if isinstance(node, ast.Subscript):
            return self.holds(node.value)
        return False

    def _is_exception(self, node: ast.AST) -> bool:
        return (isinstance(node, ast.Name) and (node.id in self._caught or node.id == "self")) or self.holds(node)

    def taken_apart_by(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in CUTS and self.holds(node.func.value):
                return True
            return node.func.attr in PATTERNS and any(self.holds(argument) for argument in node.args)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for place, operator in enumerate(node.ops):
                if isinstance(operator, ast.In | ast.NotIn) and self.holds(sides[place + 1]):
                    return True
                texts = [
                    side
                    for side in sides[place : place + 2]
                    if isinstance(side, ast.Constant) and isinstance(side.value, str) and side.value
                ]
                if isinstance(operator, ast.Eq | ast.NotEq) and texts and any(self.holds(side) for side in sides[place : place + 2]):
                    return True
        return False
