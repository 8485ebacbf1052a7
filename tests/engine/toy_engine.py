"""Engines for tests: a tiny random Llama, and the same with canned replies in place of generation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_unicomp import engine
from pytest_unicomp.api.protocols import Evaluation
from tests.methods.tiny import checkpoint


def tiny_engine(folder: Path, **changes: Any) -> engine.Engine:
    """A loaded Llama of two layers whose context holds real prompts."""
    return engine.load(checkpoint(folder, **{"max_position_embeddings": 8192, **changes}), device="cpu", dtype="auto")


def canned(original: engine.Engine, reply: Callable[[str], str]) -> engine.Engine:
    """The engine with an LM that answers each prompt with `reply(prompt)` and gives an option the log-likelihood minus its length."""
    from lm_eval.api.model import LM

    class Canned(LM):
        batch_size_per_gpu = 1
        max_length = 8192

        def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
            return [(-float(len(request.args[1])), False) for request in requests]

        def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
            return [-float(len(request.args[0])) for request in requests]

        def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
            return [reply(request.args[0]) for request in requests]

        def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
            return "".join(f"[{message['role']}]{message['content']}" for message in chat_history)

    return engine.Engine(original.path, original.device, original.dtype, original.model, original.tokenizer, Canned())


def evaluation(bundle: Path | None = None, *, limit: int | None = 8, seed: int = 0) -> Evaluation:
    """Return the options with which the tests evaluate."""
    return Evaluation(limit=limit, seed=seed, bundle=bundle, device="cpu", dtype="auto")
