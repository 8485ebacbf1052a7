"""One OpenAI-compatible endpoint: its address, the models that it serves, and requests to it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, nearest
from pytest_unicomp.config.options.serving import KEY_VARIABLE
from pytest_unicomp.engine.serving.key import answer_without_key

if TYPE_CHECKING:
    import httpx

SECONDS = 60
CHAT = "/chat/completions"


class KeyRefused(InfrastructureError):
    """A server wants a key, or another one: it answered 401 or 403."""


@dataclass(frozen=True)
class Endpoint:
    """`url` ends before `/completions` (for example `http://host:8000/v1`); `model` is the name of the model, None for the only one served.

    `chat` is True if it is spoken to in messages alone (`/chat/completions`); `key_variable` names the environment variable with its key.
    """

    url: str
    model: str | None = None
    chat: bool = False
    key_variable: str = KEY_VARIABLE

    @classmethod
    def parse(cls, text: str, *, key_variable: str = KEY_VARIABLE) -> Endpoint:
        """Parse `http(s)://host[:port][/path][#model]`; a URL without a path gets `/v1`, and one that ends in `/chat/completions` is a chat endpoint.

        Raises UsageProblem for anything else.
        """
        try:
            parts = urlsplit(text)
            port_is_valid = parts.port is None or parts.port > 0
        except ValueError:
            parts, port_is_valid = urlsplit(""), False
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid or parts.query:
            raise UsageProblem(
                f"unicomp: {text!r} is not the address of a server; expected http://HOST:PORT/v1, http://HOST:PORT/v1#MODEL or http://HOST:PORT/v1/chat/completions#MODEL."
            )
        if parts.username or parts.password:
            raise UsageProblem(
                f"unicomp: the address of the server {parts.hostname} holds a password; put the key into the environment as {key_variable}."
            )
        path = parts.path.rstrip("/")
        base = path.removesuffix(CHAT).removesuffix("/completions") if path else "/v1"
        return cls(f"{parts.scheme}://{parts.netloc}{base}", parts.fragment or None, path.endswith(CHAT), key_variable)

    @property
    def name(self) -> str:
        """The name for reports: the model's if it was given, else host and port."""
        named = self.model or urlsplit(self.url).netloc
        return re.sub(r"[^\w.-]+", "-", named.rpartition("/")[2])

    def headers(self) -> dict[str, str]:
        """Return the headers of every request, with a bearer key if the environment has one."""
        key = os.environ.get(self.key_variable)
        return {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}

    def models(self, *, seconds: float = SECONDS) -> list[dict[str, Any]]:
        """Return the entries of `/models`; raise KeyRefused if the key is refused, InfrastructureError if the answer is not the list of OpenAI's API."""
        from pytest_unicomp.engine.serving.http_client import Refused

        try:
            listed = self.call("models", seconds=seconds)
        except Refused as error:
            if error.status not in (401, 403):
                raise
            state = "set" if os.environ.get(self.key_variable) else "not set"
            raise KeyRefused(
                f"{error} Its key is read from the environment variable {self.key_variable}, which is {state}; export {self.key_variable}=KEY."
            ) from error
        entries = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) and "id" in entry for entry in entries):
            raise InfrastructureError(
                f"unicomp: {self.url}/models answered {str(listed)[:120]!r}; expected the list that OpenAI's API gives."
            )
        return entries

    def served(self) -> dict[str, Any]:
        """Return the entry of the model to use; raise UsageProblem if its name is unknown, or if there is no name and several are served."""
        entries = self.models()
        names = [str(entry["id"]) for entry in entries]
        if self.model is not None:
            # A server that loads models on demand lists none of them before.
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
        """Return the JSON answer to a GET, or to a POST of `payload`, within `seconds` in total; limits and errors are those of `open_response`."""
        with self._open(path, payload, seconds) as response:
            return answer_without_key(json.loads(response.read().decode(errors="replace")), self.headers(), f"{self.url}/{path}")

    def stream(self, path: str, payload: dict[str, Any], *, seconds: float = SECONDS) -> Iterator[dict[str, Any]]:
        """Yield the events of a POST as they arrive (server-sent events, until `[DONE]`), within `seconds` in total.

        Raises InfrastructureError for an error event, and if the stream ends without `[DONE]`.
        """
        with self._open(path, payload, seconds) as response:
            for line in response.iter_lines():
                field, _, data = line.strip().partition(":")
                if field == "data" and data.strip() == "[DONE]":
                    return
                if field == "data":
                    event = answer_without_key(json.loads(data), self.headers(), f"{self.url}/{path}")
                    if not isinstance(event, dict):
                        raise InfrastructureError(f"unicomp: {self.url}/{path} sent the event {str(event)[:80]!r}; expected a JSON object.")
                    if "error" in event:
                        raise InfrastructureError(f"unicomp: {self.url}/{path} broke off: {str(event['error'])[:200]}.")
                    yield event
        raise InfrastructureError(
            f"unicomp: {self.url}/{path} did not stream to the end; expected server-sent events that close with [DONE]."
        )

    def _open(self, path: str, payload: dict[str, Any] | None, seconds: float) -> AbstractContextManager[httpx.Response]:
        from pytest_unicomp.engine.serving.http_client import open_response

        return open_response(f"{self.url}/{path}", payload, headers=self.headers(), seconds=seconds)
