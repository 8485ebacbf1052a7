"""A served model behind the interface of `pytest_unicomp.engine.Engine`, so that every benchmark puts the same prompts to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving import lm as client
from pytest_unicomp.engine.serving.endpoint import Endpoint
from pytest_unicomp.store.local import Store

NAME = "server"
PROBE = "The quick brown fox jumps over the lazy dog."


@dataclass
class ServedEngine:
    """One endpoint: `tokenizer` is that of the checkpoint, `lm` lm-eval's client; `stop` ends the server that was started for it."""

    path: Path
    endpoint: Endpoint
    tokenizer: Any
    lm: Any
    stop: Callable[[], None] = lambda: None
    # Weights lie on the other side: only the server knows where, and what it computes in.
    model: None = None
    device: str = "server"
    dtype: str = "as served"
    name: str = NAME
    # The process group of the server that was started for this engine; None for one that is somebody else's.
    session: int | None = None
    store: Store | None = None

    @property
    def max_length(self) -> int:
        """Tokens that fit into the context."""
        return int(self.lm.max_length)

    def fit_batch(self, prompts: Iterable[str], *, logits_everywhere: bool) -> None:
        """Do nothing: the server makes its own batches."""

    def synchronize(self) -> None:
        """Do nothing: an answer is whole when it comes."""

    def release(self) -> None:
        """Stop the server where it was started for this engine; the engine cannot be used afterwards."""
        self.lm = self.tokenizer = None
        self.stop()


def connect(endpoint: Endpoint, folder: Path, *, stop: Callable[[], None] = lambda: None, session: int | None = None) -> ServedEngine:
    """Return the engine of what `endpoint` serves, with the tokenizer and context length of the checkpoint `folder`.

    The server is asked once whether it takes token ids and returns the log-probabilities of a prompt (OpenAI's `echo` and `logprobs`).
    Raises UsageProblem where it serves several models, InfrastructureError where it does not complete text, or cuts it into other tokens.
    """
    from transformers import AutoConfig, AutoTokenizer

    from pytest_unicomp.engine.quiet_libraries import quiet

    model = str(endpoint.served()["id"])
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    context = int(getattr(config.get_text_config(), "max_position_embeddings", 0) or 2048)
    tokens, scores = _abilities(endpoint, model, tokenizer)
    with quiet():
        made = client.make(endpoint, model, tokenizer=folder, max_length=context, tokens=tokens, scores=scores)
    return ServedEngine(path=folder, endpoint=endpoint, tokenizer=made.tokenizer, lm=made, stop=stop, session=session)


def _abilities(endpoint: Endpoint, model: str, tokenizer: Any) -> tuple[bool, str | None]:
    """Say whether the server takes token ids, and why it cannot score continuations (None where it can)."""
    ids = tokenizer.encode(PROBE)
    plain = {"model": model, "max_tokens": 1, "temperature": 0}
    try:
        answer = endpoint.call("completions", {**plain, "prompt": ids, "echo": True, "logprobs": 1})
    except InfrastructureError as refused:
        reason = str(refused)
    else:
        given = _log_probabilities(answer)
        # One more than the prompt: a server must generate at least one token.
        if given is not None and len(given) == len(ids) + 1:
            return True, None
        what = "none" if given is None else f"those of {len(given)} tokens for {len(ids)} sent and one generated"
        reason = f"asked for the log-probabilities of a prompt (echo, logprobs), it returned {what}"
    scores = (
        f"unicomp: {endpoint.url} cannot score answer options: {reason}. Choose benchmarks that generate text, "
        "or serve with an engine that does it, such as vLLM."
    )
    try:
        endpoint.call("completions", {**plain, "prompt": ids})
        return True, scores
    except InfrastructureError:
        # Some servers take text alone; what they do to it is then up to them.
        endpoint.call("completions", {**plain, "prompt": PROBE})
        return False, scores


def _log_probabilities(answer: Any) -> list[Any] | None:
    try:
        found = answer["choices"][0]["logprobs"]["token_logprobs"]
    except (KeyError, IndexError, TypeError):
        return None
    return found if isinstance(found, list) else None
