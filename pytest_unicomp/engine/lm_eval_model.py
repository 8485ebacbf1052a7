"""Any model class of lm-eval with the interface of `pytest_unicomp.engine.Engine`: OpenVINO, ONNX, sglang, vLLM in this process, and its own hf."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem, nearest, one_line
from pytest_unicomp.config.backend import MODEL, LmEvalBackend
from pytest_unicomp.engine.prompts import TemplateOfTokenizer
from pytest_unicomp.engine.quiet_libraries import quiet, without_progress_bars
from pytest_unicomp.store.local import Store

# One name for all of its classes: reference and candidate may each have their own.
NAME = "lm-eval"
# What a class computes in follows from its library and its arguments, which are part of what is compared; `policy` in a report has the arguments.
DTYPE = "as its class loads it"
# The argument by which most classes take a model.
PRETRAINED = "pretrained"


@dataclass(frozen=True)
class Gives:
    """The kinds of request that a class of lm-eval answers. None gives the distributions of next tokens (top tokens), which only this package's own engine has."""

    likelihoods: bool
    generated_text: bool

    def __str__(self) -> str:
        """Return it in words, for the opening of a run."""
        given = [name for name, there in (("likelihoods", self.likelihoods), ("generated text", self.generated_text)) if there]
        return f"gives {' and '.join(given) or 'nothing'}, no top tokens and no timings"


@dataclass
class LmEvalEngine(TemplateOfTokenizer):
    """One model in one of lm-eval's classes: `lm` answers requests, `tokenizer` is that of `lm`, or of the reference if it has none."""

    path: Path
    lm: Any
    tokenizer: Any
    device: str
    dtype: str = DTYPE
    name: str = NAME
    # Whatever the class holds is its own.
    model: None = None
    store: Store | None = None

    @property
    def max_length(self) -> int:
        """The context length of the model, in tokens."""
        return int(getattr(self.lm, "max_length", 2048))

    def fit_batch(self, prompts: Iterable[str], *, logits_everywhere: bool) -> None:
        """Do nothing: `batch_size` is an argument of the class."""

    def synchronize(self) -> None:
        """Do nothing: an answer is complete when it is returned."""

    def release(self) -> None:
        """Free the model's memory; the engine cannot be used afterwards."""
        self.lm = self.tokenizer = None
        gc.collect()
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()


def gives(backend: LmEvalBackend, origin: str) -> Gives:
    """Return the kinds of request that a class answers, without making an instance; raise UsageProblem, naming the flag or key `origin`, for a name that lm-eval does not know."""
    found = _class_of(backend, origin)
    return Gives(likelihoods=_answers(found, "loglikelihood"), generated_text=_answers(found, "generate_until"))


def load(backend: LmEvalBackend, folder: Path, *, tokenizer: Path) -> LmEvalEngine:
    """Return the model in `folder`, loaded by a class of lm-eval with its arguments.

    `{model}` in an argument stands for the folder, which is the argument `pretrained` if none holds it. `tokenizer` is the folder of the reference,
    whose tokenizer stands in for a class that has none. Raises whatever the class raises.
    """
    with quiet(), without_progress_bars():
        lm = _class_of(backend, backend.name).create_from_arg_obj(arguments(backend, folder))
    own = getattr(lm, "tokenizer", None)
    if own is None or not hasattr(own, "chat_template"):
        from transformers import AutoTokenizer

        own = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True, trust_remote_code=False)
    return LmEvalEngine(folder, lm, own, str(getattr(lm, "device", "cpu")))


def arguments(backend: LmEvalBackend, folder: Path) -> dict[str, Any]:
    """Return the arguments of a class for the model in `folder`, read as lm-eval reads them."""
    from lm_eval.utils import handle_arg_string

    given = {key: handle_arg_string(value) for key, value in backend.arguments if MODEL not in value}
    placed = {key: value.replace(MODEL, str(folder)) for key, value in backend.arguments if MODEL in value}
    default = {} if placed or PRETRAINED in given else {PRETRAINED: str(folder)}
    return {**default, **given, **placed}


def _class_of(backend: LmEvalBackend, origin: str) -> Any:
    import lm_eval.models  # noqa: F401 - fills the registry
    from lm_eval.api.registry import get_model, model_registry

    names = sorted(model_registry.keys())
    if backend.name not in names:
        raise UsageProblem(
            f"unicomp: {origin} names {backend.name!r}, which is no model class of lm-eval; it has {', '.join(names)}.{nearest(backend.name, names)}"
        )
    try:
        return get_model(backend.name)
    except ImportError as error:
        raise UsageProblem(f"unicomp: {origin} names {backend.name!r}, whose library is not installed here: {one_line(error)}.") from error


def _answers(found: type, request: str) -> bool:
    """Return False if the class refuses a kind of request; no request is made, and no model is loaded.

    lm-eval has no field for that, but one convention: the method raises NotImplementedError, whatever it is given. So it is called with no requests
    on an instance that was not initialized; a method that does anything with its model then fails in another way, and counts as one that answers.
    """
    try:
        with quiet(), without_progress_bars():
            getattr(object.__new__(found), request)([])
    except NotImplementedError:
        return False
    except Exception:  # noqa: BLE001 - any library may be behind the class, and it has no model
        return True
    return True
