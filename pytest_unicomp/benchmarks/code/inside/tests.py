"""Runs tests against a solution that lives in another process, and reaches a verdict where the solution cannot."""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import sys
from collections.abc import Iterator
from typing import Any

from pytest_unicomp.benchmarks.code.inside import wire


class Ended(Exception):
    """The process of the solution has ended, or does not answer as it should."""


class Client:
    """The tests' end of the connection to a solution."""

    def __init__(self, file: int) -> None:
        """Take the open socket."""
        self.file = file

    def started(self) -> None:
        """Wait until the solution's code has been executed; raise what it raised."""
        self._reply()

    def ask(self, operation: str, target: Foreign, *arguments: Any) -> Any:
        """Have an operation carried out on an object of the solution and return the result as data, or as a Foreign."""
        result, changed = self._exchange([operation, self._out(target), *[self._out(part) for part in arguments]])
        if operation == "call":
            for mine, now in zip(arguments[0], changed, strict=False):
                _update(mine, self._in(now))
        return self._in(result)

    def name(self, name: str) -> tuple[bool, Any]:
        """Return whether the solution defines a name, and what: data, a Foreign, or a module of the standard library, imported here."""
        found = self._exchange(["name", name])
        if found is None:
            return False, None
        kind, content = found
        if kind == "module":
            top = str(content).partition(".")[0]
            return (True, importlib.import_module(str(content))) if top in sys.stdlib_module_names else (False, None)
        return True, self._in(content)

    def _exchange(self, request: list[Any]) -> Any:
        try:
            wire.send(self.file, request)
        except wire.Closed as error:
            raise Ended(str(error)) from error
        return self._reply()

    def _reply(self) -> Any:
        try:
            kind, *rest = wire.receive(self.file)
        except (wire.Closed, TypeError, ValueError) as error:
            raise Ended(str(error)) from error
        if kind == "raised":
            raise _exception(str(rest[0]), str(rest[1]))
        return rest[0] if rest else None

    def _in(self, found: Any) -> Any:
        try:
            return wire.decode(found, lambda number, kind: Foreign(self, number, kind))
        except wire.Closed as error:
            raise Ended(str(error)) from error

    def _out(self, value: Any) -> Any:
        return wire.encode(value, _number)


class Foreign:
    """An object of the solution. Equality is identity: if the solution's own `__eq__` were asked, it could say yes to everything."""

    def __init__(self, client: Client, number: int, kind: str) -> None:
        """Name the object by its number there."""
        self.__dict__.update(_client=client, _number=number, _kind=kind)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call it with data, or with objects of the solution."""
        return self._client.ask("call", self, arguments, named)

    def __getattr__(self, name: str) -> Any:
        """Read an attribute."""
        return self._client.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute."""
        self._client.ask("set", self, name, value)

    def __getitem__(self, key: Any) -> Any:
        """Read an element."""
        return self._client.ask("item", self, key)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over its elements, fetched at once."""
        return iter(self._client.ask("all", self))

    def __len__(self) -> int:
        """Return its length."""
        return int(self._client.ask("length", self))

    def __eq__(self, other: object) -> bool:
        """Return True for the same object."""
        return isinstance(other, Foreign) and self._number == other._number

    def __hash__(self) -> int:
        """Hash by number."""
        return hash(self._number)


def run(client: Client, code: str) -> None:
    """Execute the tests; raise what they raise. The solution's names are at hand, except those of built-in functions."""
    tree = ast.parse(code)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    known: dict[str, Any] = {"__name__": "tests"}
    for name in sorted(names - set(dir(builtins))):
        defined, value = client.name(name)
        if defined:
            known[name] = value
    exec(compile(tree, "tests.py", "exec"), known)


def _exception(name: str, words: str) -> Exception:
    """Return the built-in exception of that name, so that a test can expect it, else a RuntimeError that gives the name."""
    known = vars(builtins).get(name)
    if isinstance(known, type) and issubclass(known, Exception):
        # Some, such as UnicodeDecodeError, take more than words.
        with contextlib.suppress(TypeError):
            return known(words)
    return RuntimeError(f"{name}: {words}")


def _number(value: Any) -> int:
    if isinstance(value, Foreign):
        return int(value._number)
    raise TypeError(f"the tests can pass data to a solution, not a {type(value).__name__}")


def _update(mine: Any, now: Any) -> None:
    """Give a list, dict or set that the tests passed the content that it has in the solution's process."""
    if type(mine) is not type(now) or mine == now:
        return
    if isinstance(mine, list):
        mine[:] = now
    elif isinstance(mine, (dict, set)):
        mine.clear()
        mine.update(now)
