"""Checks the log-probabilities that a server returns for a prompt, before they become scores."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

# A log-softmax in 16 bits may exceed 0 by rounding, in nats.
ROUNDING = 1e-3
# A field of vLLM's requests: tokens are then named by id in an answer, and not by a text that several may share.
TOKENS_BY_ID: Final = {"return_tokens_as_token_ids": True}
ID: Final = re.compile(r"token_id:(\d+)")


def problem(answer: Any, tokens: list[int], first: int, *, choice: int = 0) -> str | None:
    """Name the first wrong field of an answer to `echo` with `logprobs`, or return None if all are right.

    Prompt number `choice` had the ids `tokens`, and one token was generated after them. From position `first` of the prompt on, every
    log-probability must be a finite number of at most 0, and the likeliest token's log-probability must be given. A token that is named by its id
    must be the one that was sent.
    """
    field = f"choices[{choice}].logprobs"
    try:
        [found] = [one for one in answer["choices"] if one["index"] == choice]
        scores, top_scores = found["logprobs"]["token_logprobs"], found["logprobs"]["top_logprobs"]
    except (KeyError, TypeError, ValueError):
        return f"no {field} with token_logprobs and top_logprobs"
    for name, values in (("token_logprobs", scores), ("top_logprobs", top_scores)):
        # One more than the prompt has: a server must generate at least one token.
        if not isinstance(values, list) or len(values) != len(tokens) + 1:
            count = len(values) if isinstance(values, list) else "no"
            return f"{count} values in {field}.{name}; expected {len(tokens)} for the prompt and one generated"
    named = found["logprobs"].get("tokens")
    for position, (name, sent) in enumerate(zip(named if isinstance(named, list) else [], tokens, strict=False)):
        other = ID.fullmatch(name) if isinstance(name, str) else None
        if other is not None and int(other[1]) != sent:
            return f"{field}.tokens[{position}] = {name!r}; expected token_id:{sent}, which was sent"
    for position in range(first, len(tokens)):
        if not _is_log_probability(scores[position]):
            return f"{field}.token_logprobs[{position}] = {scores[position]!r}; expected a finite number of at most 0"
        top = top_scores[position]
        if not isinstance(top, Mapping) or not top or not all(_is_log_probability(value) for value in top.values()):
            return f"{field}.top_logprobs[{position}] = {str(top)[:80]}; expected finite numbers of at most 0 by token"
    return None


def _is_log_probability(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value <= ROUNDING
