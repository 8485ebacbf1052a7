"""Keeps the API key of a server out of every message, report and log, without changing a text that is scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_unicomp.api.errors import InfrastructureError

SHOWN: Final = "[key]"
# Shorter texts occur in any answer.
SHORTEST: Final = 8
# The part of an answer that is scored and reported: the texts of the model.
SCORED: Final = "choices"


def without_key(text: str, headers: Mapping[str, str]) -> str:
    """Return `text`, which is to be shown, with the bearer key in `headers` replaced, if there is one."""
    key = _key(headers)
    return text if key is None else text.replace(key, SHOWN)


def answer_without_key(answer: Any, headers: Mapping[str, str], url: str) -> Any:
    """Return the JSON answer of a server with the bearer key in `headers` replaced in every text but the model's.

    Raises InfrastructureError if the model's text has the key: to replace it would change what is scored, and to keep it would report it.
    """
    key = _key(headers)
    if key is None:
        return answer
    scored = answer.get(SCORED) if isinstance(answer, dict) else None
    if _has(scored, key):
        raise InfrastructureError(f"unicomp: {url} answered with the key itself as a text of the model; give the server another key.")
    if isinstance(answer, dict) and SCORED in answer:
        return {**_replaced({name: value for name, value in answer.items() if name != SCORED}, key), SCORED: scored}
    return _replaced(answer, key)


def _key(headers: Mapping[str, str]) -> str | None:
    key = headers.get("Authorization", "").removeprefix("Bearer ")
    return key if len(key) >= SHORTEST else None


def _has(value: Any, key: str) -> bool:
    if isinstance(value, dict):
        return any(key in name or _has(one, key) for name, one in value.items())
    if isinstance(value, list):
        return any(_has(one, key) for one in value)
    return isinstance(value, str) and key in value


def _replaced(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name.replace(key, SHOWN): _replaced(one, key) for name, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, key) for one in value]
    return value.replace(key, SHOWN) if isinstance(value, str) else value
