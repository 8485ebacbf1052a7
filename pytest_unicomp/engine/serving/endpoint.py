"""One OpenAI-compatible endpoint: its address, the model it serves there, and what it says of itself."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib import error, parse, request

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, nearest

# Not OPENAI_API_KEY: that one belongs to another address, and must not be sent to whatever URL is tested.
KEY = "UNICOMP_API_KEY"
SECONDS = 60


@dataclass(frozen=True)
class Endpoint:
    """`url` ends before `/completions` (for example `http://host:8000/v1`); `model` is the name asked for, None for the only one served."""

    url: str
    model: str | None = None

    @classmethod
    def of(cls, text: str) -> Endpoint:
        """Read `http(s)://host[:port][/path][#model]`; a URL without a path gets `/v1`. Raises UsageProblem for anything else."""
        try:
            parts = parse.urlsplit(text)
            port_is_sound = parts.port is None or parts.port > 0
        except ValueError:
            parts, port_is_sound = parse.urlsplit(""), False
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_sound or parts.query:
            raise UsageProblem(
                f"unicomp: {text!r} is not the address of a server; expected http://HOST:PORT/v1, or http://HOST:PORT/v1#MODEL."
            )
        if parts.username or parts.password:
            raise UsageProblem(
                f"unicomp: the address of the server {parts.hostname} holds a password; put the key into the environment as {KEY}."
            )
        path = parts.path.rstrip("/") or "/v1"
        return cls(f"{parts.scheme}://{parts.netloc}{path}", parts.fragment or None)

    @property
    def name(self) -> str:
        """What a report calls it: the model's own name where it was given, else host and port."""
        named = self.model or parse.urlsplit(self.url).netloc
        return re.sub(r"[^\w.-]+", "-", named.rpartition("/")[2])

    def headers(self) -> dict[str, str]:
        """Return the headers of every request: a bearer key where the environment has one."""
        key = os.environ.get(KEY)
        return {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}

    def models(self) -> list[dict[str, Any]]:
        """Return what the server lists under `/models`; raise InfrastructureError where it does not answer as such a server does."""
        listed = self.call("models")
        entries = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) and "id" in entry for entry in entries):
            raise InfrastructureError(
                f"unicomp: {self.url}/models answered {str(listed)[:120]!r}; expected the list that OpenAI's API gives."
            )
        return entries

    def served(self) -> dict[str, Any]:
        """Return the entry of the model that will be asked; raise UsageProblem where the name is unknown or several are served."""
        entries = self.models()
        names = [str(entry["id"]) for entry in entries]
        if self.model is not None:
            # A server that loads whatever it is asked for lists nothing of it before.
            found = [entry for entry in entries if entry["id"] == self.model]
            if not found and entries:
                raise UsageProblem(
                    f"unicomp: {self.url} does not serve {self.model!r}; it serves {', '.join(names)}.{nearest(self.model, names)}"
                )
            return found[0] if found else {"id": self.model}
        if len(entries) != 1:
            listed = ", ".join(names) or "none"
            raise UsageProblem(f"unicomp: {self.url} serves {len(entries)} models ({listed}); say which: {self.url}#MODEL.")
        return entries[0]

    def call(self, path: str, payload: dict[str, Any] | None = None, *, seconds: float = SECONDS) -> Any:
        """Return the JSON answer to one GET, or to a POST of `payload`; raise InfrastructureError with the server's own words where it refuses."""
        with self._answer(path, payload, seconds) as answer:
            return json.load(answer)

    def stream(self, path: str, payload: dict[str, Any], *, seconds: float = SECONDS) -> Iterator[dict[str, Any]]:
        """Yield the events of a POST as they come (server-sent events, until `[DONE]`); raise InfrastructureError where they are none."""
        with self._answer(path, payload, seconds) as answer:
            for line in answer:
                kind, _, data = line.decode(errors="replace").strip().partition(":")
                if kind == "data" and data.strip() == "[DONE]":
                    return
                if kind == "data":
                    event = json.loads(data)
                    if "error" in event:
                        raise InfrastructureError(f"unicomp: {self.url}/{path} broke off: {str(event['error'])[:200]}.")
                    yield event
        raise InfrastructureError(
            f"unicomp: {self.url}/{path} did not stream to the end; expected server-sent events that close with [DONE]."
        )

    @contextmanager
    def _answer(self, path: str, payload: dict[str, Any] | None, seconds: float) -> Iterator[Any]:
        body = None if payload is None else json.dumps(payload).encode()
        asked = request.Request(f"{self.url}/{path}", data=body, headers=self.headers())
        try:
            with request.urlopen(asked, timeout=seconds) as answer:
                yield answer
        except error.HTTPError as refused:
            said = refused.read(300).decode(errors="replace").strip()
            raise InfrastructureError(f"unicomp: {self.url}/{path} answered {refused.code}: {said or refused.reason}.") from refused
        except (OSError, ValueError) as broken:
            raise InfrastructureError(f"unicomp: {self.url}/{path} does not answer: {broken}.") from broken
