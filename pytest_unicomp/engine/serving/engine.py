"""A served model with the interface of `pytest_unicomp.engine.Engine`, so that every benchmark sends it the same prompts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.prompts import chat_template_digest
from pytest_unicomp.engine.serving import lm as client
from pytest_unicomp.engine.serving.chat import SERVERS_TEMPLATE, build_chat_client
from pytest_unicomp.engine.serving.client_calls import texts
from pytest_unicomp.engine.serving.command import ServeCommand
from pytest_unicomp.engine.serving.endpoint import CHAT, Endpoint
from pytest_unicomp.engine.serving.lm import Takes
from pytest_unicomp.engine.serving.log_probabilities import TOKENS_BY_ID, problem
from pytest_unicomp.store.local import Store

NAME = "server"
# What a server renders itself is not comparable with what was rendered here.
CHAT_NAME = "chat server"
PROBE = "The quick brown fox jumps over the lazy dog."


@dataclass
class ServedEngine:
    """One endpoint: `tokenizer` is that of the checkpoint, `lm` lm-eval's client; `command` the server that was started for it, None if none was."""

    path: Path
    endpoint: Endpoint
    tokenizer: Any
    lm: Any
    command: ServeCommand | None = None
    # The weights are on the server, which alone knows its device and the dtype of its computation.
    model: None = None
    device: str = "server"
    dtype: str = "as served"
    name: str = NAME
    store: Store | None = None

    @property
    def max_length(self) -> int:
        """The context length of the model, in tokens."""
        return int(self.lm.max_length)

    @property
    def session(self) -> int | None:
        """The process group of the server that was started for this engine; None if somebody else started it."""
        return self.command.session if self.command is not None else None

    @property
    def has_chat_template(self) -> bool:
        """Return True if prompts can be messages."""
        return self.endpoint.chat or bool(self.tokenizer.chat_template)

    def template(self, *, chat: bool) -> str:
        """Return the digest of the chat template, which a measurement keeps among its conditions; "server" if the server applies its own, or "none"."""
        if self.endpoint.chat:
            return SERVERS_TEMPLATE
        return chat_template_digest(self.tokenizer) if chat else "none"

    def fit_batch(self, prompts: Iterable[str], *, logits_everywhere: bool) -> None:
        """Do nothing: the server makes its own batches."""

    def synchronize(self) -> None:
        """Do nothing: an answer is complete when it arrives."""

    def release(self) -> None:
        """Stop the server if it was started for this engine; the engine cannot be used afterwards."""
        self.lm = self.tokenizer = None
        if self.command is not None:
            self.command.stop()


def connect(endpoint: Endpoint, folder: Path, *, command: ServeCommand | None = None) -> ServedEngine:
    """Return the engine of the model that `endpoint` serves, with the tokenizer and context length of the checkpoint `folder`.

    One request tests if the server takes token ids and returns the log-probabilities of a prompt (OpenAI's `echo` and `logprobs`). Raises
    UsageProblem if several models are served, InfrastructureError if the server does not complete text.
    """
    from transformers import AutoConfig, AutoTokenizer

    from pytest_unicomp.engine.quiet_libraries import quiet

    model = str(endpoint.served()["id"])
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if endpoint.chat:
        _probe_chat(endpoint, model)
        with quiet():
            chat = build_chat_client(endpoint, model)
        return ServedEngine(folder, endpoint, tokenizer, chat, command, name=CHAT_NAME)
    context = int(getattr(config.get_text_config(), "max_position_embeddings", 0) or 2048)
    takes = _probe(endpoint, model, tokenizer)
    with quiet():
        lm = client.build_client(endpoint, model, tokenizer=folder, max_length=context, takes=takes)
    return ServedEngine(path=folder, endpoint=endpoint, tokenizer=lm.tokenizer, lm=lm, command=command)


def _probe_chat(endpoint: Endpoint, model: str) -> None:
    """Raise InfrastructureError if the endpoint does not answer a message."""
    asked = {"model": model, "max_tokens": 1, "temperature": 0, "messages": [{"role": "user", "content": PROBE}]}
    texts(endpoint.call(CHAT.removeprefix("/"), asked), f"{endpoint.url}{CHAT}", "message", "content")


def _probe(endpoint: Endpoint, model: str, tokenizer: Any) -> Takes:
    """Return the forms of prompt that the server takes; raise InfrastructureError if it does not complete text."""
    ids = tokenizer.encode(PROBE)
    request = {"model": model, "max_tokens": 1, "temperature": 0}
    reason = ""
    for by_id in (True, False):
        try:
            fields = TOKENS_BY_ID if by_id else {}
            answer = endpoint.call("completions", {**request, **fields, "prompt": ids, "echo": True, "logprobs": 1})
        except InfrastructureError as refused:
            # Some servers refuse a field that they do not know.
            reason = str(refused)
            continue
        wrong = problem(answer, ids, 1)
        if wrong is None:
            return Takes(ids=True, tokens_by_id=by_id)
        reason = f"to a prompt with echo and logprobs it answered {wrong}"
        break
    why_not_scored = (
        f"unicomp: {endpoint.url} cannot score answer options: {reason}. Choose benchmarks that generate text, "
        "or serve with an engine that does it, such as vLLM."
    )
    try:
        endpoint.call("completions", {**request, "prompt": ids})
        return Takes(ids=True, why_not_scored=why_not_scored)
    except InfrastructureError:
        # Some servers take text alone, and tokenize it as they like.
        endpoint.call("completions", {**request, "prompt": PROBE})
        return Takes(ids=False, why_not_scored=why_not_scored)
