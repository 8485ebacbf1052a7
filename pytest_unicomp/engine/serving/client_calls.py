"""Overrides the requests of lm-eval's API clients: they stay with one server, and one that hangs is given up once."""

from __future__ import annotations

from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving.one_server import OneServer


class ClientCalls:
    """To be inherited before a client of lm-eval (`TemplateAPI`), which has `base_url` and `timeout` in seconds."""

    base_url: str
    timeout: int
    # lm-eval repeats a request that failed; one that nobody answers would take several times the limit, in every benchmark.
    _given_up: InfrastructureError | None = None

    async def amodel_call(self, session: Any, *arguments: Any, **settings: Any) -> Any:
        """As upstream, except that neither key nor prompt follows a redirect, that a body has a limit, and that a timeout is final."""
        if self._given_up is not None:
            raise self._given_up
        try:
            return await super().amodel_call(OneServer(session), *arguments, **settings)  # type: ignore[misc]
        except TimeoutError as error:
            self._given_up = InfrastructureError(
                f"unicomp: {self.base_url} has not answered a request within {self.timeout} s; it is not sent again."
            )
            raise self._given_up from error

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> Any:
        """As upstream, without its progress bar."""
        from pytest_unicomp.engine.quiet_libraries import without_progress_bars

        with without_progress_bars():
            return super().generate_until(requests, disable_tqdm)  # type: ignore[misc]


def texts(answer: Any, url: str, *path: str) -> list[str]:
    """Return the texts of an answer's choices in the order of their indices; a text that is null counts as empty.

    `path` leads from a choice to its text. Raises InfrastructureError if the answer is something else.
    """
    found: dict[int, str] = {}
    try:
        for choice in answer["choices"]:
            text: Any = choice
            for key in path:
                text = text[key]
            if not isinstance(text, str | None):
                raise TypeError
            found[int(choice["index"])] = text or ""
    except (KeyError, TypeError, ValueError):
        found = {}
    if not found:
        raise InfrastructureError(f"unicomp: {url} answered {str(answer)[:120]!r}; expected choices, each with {'.'.join(path)}.")
    return [found[index] for index in sorted(found)]
