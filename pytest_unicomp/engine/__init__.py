"""Loads a checkpoint once and answers the requests of every benchmark: `load(path, device=..., dtype=...)` returns an `Engine`.

`UnicompLM(model, tokenizer)` is the `lm_eval.api.model.LM` in it, which also works in `lm_eval.simple_evaluate(model=UnicompLM(model, tokenizer))`.
"""

from typing import Any

from pytest_unicomp.engine.loading import Engine as Engine
from pytest_unicomp.engine.loading import load as load
from pytest_unicomp.engine.loading import stored_dtype as stored_dtype

__all__ = ["Engine", "UnicompLM", "load", "stored_dtype"]


def __getattr__(name: str) -> Any:
    """Import the class `UnicompLM` at its first use: lm-eval takes seconds to import."""
    if name == "UnicompLM":
        from pytest_unicomp.engine.lm import UnicompLM

        return UnicompLM
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
