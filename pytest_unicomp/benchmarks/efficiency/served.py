"""Rounds of a served model, timed at its endpoint, from the request to the tokens that come back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pytest_unicomp.api.errors import InfrastructureError, UnicompError

if TYPE_CHECKING:
    from pytest_unicomp.engine.serving.endpoint import Endpoint


@dataclass(frozen=True)
class Work:
    """The work of a round: `batch` prompts of `prompt` tokens, then `decode` tokens written for each; with `whole` all of it counts."""

    batch: int
    prompt: int
    decode: int
    whole: bool


class Served(Protocol):
    """The part of `serving.ServedEngine` that is needed here."""

    endpoint: Endpoint
    tokenizer: Any
    lm: Any
    model: None

    @property
    def max_length(self) -> int:
        """Return the tokens that fit into the context."""
        ...


def round_of(work: Work, engine: Served) -> Callable[[], float | None]:
    """Return a round: one request of `batch` prompts.

    Prefill requests one token and counts the time of the whole response. Decode streams, and counts from the moment when every sequence has its
    first token to the end. Each round has prompts of its own (the same on both sides of a pair), because a prefix cache would skip repeated ones.
    Raises UnicompError if the context is too short; the round raises InfrastructureError if fewer tokens come back than were requested.
    """
    length = min(work.prompt, engine.max_length - work.decode - 1)
    if length < 1:
        raise UnicompError(f"unicomp: the model's context of {engine.max_length} tokens holds no prompt beside {work.decode} written ones.")
    prompts = _prompts(engine, work.batch, length)
    base = {"model": engine.lm.model, "temperature": 0, "ignore_eos": True}

    def asked_whole() -> None:
        tokens = max(1, work.decode)
        answer = engine.endpoint.call("completions", {**base, "prompt": next(prompts), "max_tokens": tokens}, seconds=SECONDS)
        _require(answer.get("usage"), work.batch * tokens, engine.endpoint)

    def streamed() -> float:
        asked = {**base, "prompt": next(prompts), "max_tokens": work.decode + 1, "stream": True, "stream_options": {"include_usage": True}}
        return _after_first(engine.endpoint.stream("completions", asked, seconds=SECONDS), work, engine.endpoint)

    return streamed if work.decode and not work.whole else asked_whole


# A round of a large model on a slow device.
SECONDS = 600


def _after_first(events: Iterable[Mapping[str, Any]], work: Work, endpoint: Endpoint) -> float:
    begun: set[int] = set()
    usage = None
    first: float | None = None
    for event in events:
        usage = event.get("usage") or usage
        begun |= {int(choice.get("index", 0)) for choice in event.get("choices") or []}
        if first is None and len(begun) == work.batch:
            first = time.perf_counter()
    ended = time.perf_counter()
    _require(usage, work.batch * (work.decode + 1), endpoint)
    if first is None:
        raise InfrastructureError(
            f"unicomp: {endpoint.url} streamed {len(begun)} of {work.batch} sequences; writing cannot be timed there."
        )
    return ended - first


def _require(usage: Any, tokens: int, endpoint: Endpoint) -> None:
    """Raise InfrastructureError unless the server reports that it wrote all the tokens."""
    written = usage.get("completion_tokens") if isinstance(usage, Mapping) else None
    if written != tokens:
        said = "does not say how many tokens it wrote (`usage`)" if written is None else f"wrote {written} of {tokens} tokens"
        raise InfrastructureError(f"unicomp: {endpoint.url} {said}; expected a server that honours `ignore_eos`, such as vLLM.")


def _prompts(engine: Served, batch: int, length: int) -> Iterator[list[Any]]:
    """Yield, round by round, random prompts of ordinary tokens: ids, or their text if the server takes text only."""
    import torch

    special = set(engine.tokenizer.all_special_ids)
    ordinary = torch.tensor([token for token in range(len(engine.tokenizer)) if token not in special])
    for number in itertools.count():
        generator = torch.Generator().manual_seed(number)
        chosen = ordinary[torch.randint(0, len(ordinary), (batch, length), generator=generator)].tolist()
        yield chosen if engine.lm.tokenized_requests else [engine.tokenizer.decode(ids) for ids in chosen]
