"""Serves a solution to the tests: executes its code, then answers requests to call its functions and to read and set attributes of its objects."""

from __future__ import annotations

import types
from typing import Any

from pytest_unicomp.benchmarks.code.inside import wire


class Server:
    """The objects of a solution that the tests hold by number, and the operations on them."""

    def __init__(self) -> None:
        """Begin with an empty module."""
        self.names: dict[str, Any] = {"__name__": "solution"}
        self.kept: list[Any] = []

    def answer(self, request: list[Any]) -> Any:
        """Carry out one request, [operation, *arguments], and return its encoded result; whatever the solution raises passes through."""
        operation, *rest = request
        if operation == "name":
            return self._named(rest[0])
        target, *arguments = [wire.decode(part, self._find) for part in rest]
        result: Any = None
        if operation == "call":
            result = target(*arguments[0], **arguments[1])
        elif operation == "get":
            result = getattr(target, arguments[0])
        elif operation == "set":
            setattr(target, arguments[0], arguments[1])
        elif operation == "item":
            result = target[arguments[0]]
        elif operation == "all":
            result = list(target)
        elif operation == "length":
            result = len(target)
        encoded = wire.encode(result, self._keep)
        # Arguments come back as they are now: a test may look at a list that the solution sorted in place.
        changed = [wire.encode(part, self._keep) for part in arguments[0]] if operation == "call" else []
        return [encoded, changed]

    def _named(self, name: str) -> Any:
        if name not in self.names:
            return None
        found = self.names[name]
        if isinstance(found, types.ModuleType):
            return ["module", found.__name__]
        return ["value", wire.encode(found, self._keep)]

    def _keep(self, value: Any) -> int:
        self.kept.append(value)
        return len(self.kept) - 1

    def _find(self, number: int, _: str) -> Any:
        return self.kept[number]


def serve(file: int, code: str) -> None:
    """Execute the code, say how that ended, and answer requests until the tests end."""
    server = Server()
    try:
        # Running it is the purpose: this process is the sandbox's innermost.
        exec(compile(code, "solution.py", "exec"), server.names)
    except BaseException as error:  # noqa: BLE001 - foreign code raises anything, SystemExit included
        wire.send(file, ["raised", type(error).__name__, _words(error)])
        return
    wire.send(file, ["ready"])
    while True:
        request = wire.receive(file)
        try:
            reply = ["result", server.answer(request)]
        except BaseException as error:  # noqa: BLE001 - foreign code raises anything, SystemExit included
            reply = ["raised", type(error).__name__, _words(error)]
        wire.send(file, reply)


def _words(error: BaseException) -> str:
    try:
        return str(error)[:200]
    except BaseException:  # noqa: BLE001 - `__str__` of a foreign exception
        return ""
