"""Any OpenAI-compatible chat endpoint as a judge: TrustLLM's prompts, temperature 0, retries with backoff; every failure is counted as unjudged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving.endpoint import Endpoint
from pytest_unicomp.judges.question import JudgeQuestion

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 30
CONCURRENT = 8
ANSWER_TOKENS = 64
PROMPTS = Path(__file__).with_name("prompts.json")


@cache
def prompts() -> dict[str, str]:
    """Return the prompt template of each task; `[[name]]` is replaced by a field."""
    found: dict[str, str] = json.loads(PROMPTS.read_text(encoding="utf-8"))["prompts"]
    return found


class Server:
    """One endpoint and its model. The key is read from the environment (see `Endpoint.headers`) and never stored or shown."""

    def __init__(self, endpoint: Endpoint, *, wait_seconds: float = 1.0) -> None:
        """Ask the server once for its model; raise InfrastructureError if it does not respond, UsageProblem if it serves no usable model."""
        self._endpoint, self._wait = endpoint, wait_seconds
        self.model = str(endpoint.served()["id"])
        self.identity = f"server:{endpoint.url}#{self.model}"

    def answer(self, questions: Sequence[JudgeQuestion]) -> list[str | None]:
        """Return the text of each answer in order, None if the server failed at every attempt."""
        with ThreadPoolExecutor(CONCURRENT) as pool:
            return list(pool.map(self._ask, questions))

    def _ask(self, question: JudgeQuestion) -> str | None:
        from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

        text = filled(question)
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=self._wait, max=LONGEST_WAIT_SECONDS),
            retry=retry_if_exception_type(InfrastructureError),
        )
        try:
            return str(retrying(self._call, text))
        except RetryError:
            return None

    def _call(self, text: str) -> str:
        messages = [{"role": "user", "content": text}]
        asked: dict[str, Any] = {"model": self.model, "messages": messages, "temperature": 0, "max_tokens": ANSWER_TOKENS}
        answer = self._endpoint.call("chat/completions", asked)
        try:
            said = answer["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError) as error:
            raise InfrastructureError(
                f"unicomp: {self._endpoint.url} answered {str(answer)[:120]!r}; expected a chat completion."
            ) from error
        if not isinstance(said, str) or not said.strip():
            raise InfrastructureError(f"unicomp: {self._endpoint.url} answered with an empty text.")
        return said


def filled(question: JudgeQuestion) -> str:
    """Return the prompt of a question; a `[[name]]` within a field's own text is left as it is."""
    import re

    fields = dict(question.fields)
    return re.sub(r"\[\[(\w+)\]\]", lambda mark: fields.get(mark.group(1), mark.group(0)), prompts()[question.task])
