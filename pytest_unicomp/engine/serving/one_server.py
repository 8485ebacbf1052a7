"""A session of aiohttp for lm-eval's client that stays with one server: no redirect is followed, and no body is read beyond the limit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving.http_client import MAX_BODY_BYTES, REFUSAL_CHARACTERS
from pytest_unicomp.engine.serving.key import answer_without_key, without_key

CHUNK = 1 << 16


@dataclass(frozen=True)
class Answer:
    """A response with the body already read, in the interface that lm-eval's client uses; `headers` are those of the request."""

    url: str
    status: int
    body: str
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Return True below status 400."""
        return self.status < 400

    def raise_for_status(self) -> None:
        """Raise InfrastructureError for a status of 400 or above."""
        if not self.ok:
            refusal = self._shown[:REFUSAL_CHARACTERS].strip()
            raise InfrastructureError(f"unicomp: {self.url} answered {self.status}: {refusal}.")

    async def text(self) -> str:
        """Return the body as lm-eval logs it if the status is one of an error: without the key."""
        return self._shown

    async def json(self) -> Any:
        """Return the body as JSON; raise InfrastructureError if it is none, or if it has the key where the model's text is."""
        try:
            return answer_without_key(json.loads(self.body), self.headers, self.url)
        except (ValueError, RecursionError) as error:
            raise InfrastructureError(f"unicomp: {self.url} answered {self._shown[:80]!r}; expected JSON.") from error

    @property
    def _shown(self) -> str:
        return without_key(self.body, self.headers)


@dataclass(frozen=True)
class OneServer:
    """Posts through `session`, an `aiohttp.ClientSession`, to the address that is given and nowhere else."""

    session: Any

    @asynccontextmanager
    async def post(self, url: str, **settings: Any) -> AsyncIterator[Answer]:
        """Yield the answer to a POST; raise InfrastructureError for a redirect, for compression, and for a body above MAX_BODY_BYTES."""
        headers = {**settings.pop("headers"), "Accept-Encoding": "identity"}
        async with self.session.post(url, headers=headers, allow_redirects=False, **settings) as response:
            if 300 <= response.status < 400:
                target = str(response.headers.get("Location", ""))[:REFUSAL_CHARACTERS]
                raise InfrastructureError(
                    f"unicomp: {url} redirects to {target!r}, which was not contacted; give the address that answers itself."
                )
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise InfrastructureError(f"unicomp: {url} answered in a compressed encoding; expected an answer that is not compressed.")
            body = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK):
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise InfrastructureError(f"unicomp: the answer of {url} has more than {MAX_BODY_BYTES} bytes; reading was stopped.")
            yield Answer(url, response.status, body.decode(errors="replace"), headers)
