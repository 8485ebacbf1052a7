"""Turns a checkpoint folder into a loaded model with its tokenizer and lm-eval's interface around both."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.engine.activation_quantization import settle
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.malloc_trim import trim
from pytest_unicomp.engine.quiet_libraries import quiet, without_bars
from pytest_unicomp.engine.stored_weights import unread
from pytest_unicomp.store.local import Store

NAME = "lm-eval-hf"
DTYPES = ("auto", "float32", "bfloat16", "float16")
BATCH = 64
LOGITS_BYTES = {"cpu": 2**30, "cuda": 2**33}


@dataclass
class Engine:
    """One loaded artifact: `model` (eval mode), `tokenizer`, and `lm`, UnicompLM around them; `dtype` is that of the computation.

    `store`, where there is one, keeps the prompts that are put to it.
    """

    path: Path
    device: str
    dtype: str
    model: Any
    tokenizer: Any
    lm: Any

    name: str = NAME
    store: Store | None = None

    @property
    def max_length(self) -> int:
        """Tokens that fit into the context."""
        return int(self.lm.max_length)

    def batch_size(self, tokens: int, *, logits_everywhere: bool) -> int:
        """Return how many sequences of `tokens` tokens go together, 1 to BATCH: a function of model and device kind alone, so results repeat.

        Scoring holds float32 logits of every position, and once more their log-softmax; generating holds those of the last position only.
        """
        positions = max(1, min(tokens, self.max_length)) if logits_everywhere else 1
        vocabulary = int(self.model.get_output_embeddings().weight.shape[0])
        budget = LOGITS_BYTES[host.kind(self.device)]
        return max(1, min(BATCH, budget // (8 * positions * vocabulary)))

    def fit_batch(self, prompts: Iterable[str], *, logits_everywhere: bool) -> None:
        """Set lm-eval's batch size for these prompts, by the longest of them."""
        longest = max(prompts, key=len, default="")
        # A quarter more: by characters another prompt may be the longest, and continuations come on top.
        tokens = len(self.tokenizer(longest, add_special_tokens=True)["input_ids"]) * 5 // 4 + 32
        self.lm.batch_size_per_gpu = self.batch_size(tokens, logits_everywhere=logits_everywhere)

    def synchronize(self) -> None:
        """Wait until the device has done all that was asked of it."""
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.synchronize(self.device)

    def release(self) -> None:
        """Free the model's memory; the engine cannot be used afterwards."""
        self.model = self.lm = self.tokenizer = None
        gc.collect()
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()


def load(path: Path, *, device: str, dtype: str, sharded: bool = False) -> Engine:
    """Load the checkpoint folder `path` on `device` ("auto", "cpu", "cuda:N") for computing in `dtype`, one of DTYPES.

    "auto" computes in float32 on CPU and in the checkpoint's own type on CUDA. Compressed-tensors checkpoints are unpacked to dense
    weights, and activations are rounded where the checkpoint says so. No code from the checkpoint is run and nothing is fetched.
    With `sharded`, accelerate's device_map spreads the layers over all GPUs, and over host memory where they do not suffice. Raises
    UsageProblem for a folder without config.json or an unknown dtype, InfrastructureError where weights are missing from the files.
    """
    if dtype not in DTYPES:
        raise UsageProblem(f"unicomp: dtype is {dtype!r}; expected one of {', '.join(DTYPES)}.")
    if not (path / "config.json").is_file():
        raise UsageProblem(f"unicomp: {path} has no config.json; expected the folder of a checkpoint that transformers can load.")
    device = host.resolve_device(device)
    with quiet():
        with without_bars():
            model = _model(path, device, dtype, sharded)
        trim()
        from transformers import AutoTokenizer

        from pytest_unicomp.engine import lm as own

        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        lm = own.make(model, tokenizer, BATCH)
    return Engine(path=path, device=device, dtype=str(model.dtype).removeprefix("torch."), model=model, tokenizer=tokenizer, lm=lm)


def stored_dtype(path: Path) -> str:
    """Return the data type that a checkpoint's config.json names, one of DTYPES but "auto"; "float32" where it names none of them."""
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    named = str(config.get("dtype") or config.get("torch_dtype") or "")
    return named if named in DTYPES and named != "auto" else "float32"


def _model(path: Path, device: str, dtype: str, sharded: bool) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    packed = getattr(config, "quantization_config", None) or {}
    unpack = packed.get("quant_method") == "compressed-tensors"
    if unpack:
        # transformers otherwise keeps the weights packed until the first forward pass and unpacks them inside it.
        packed["dequantize"] = True
    chosen = "float32" if dtype == "auto" and device == "cpu" else dtype
    wanted: dict[str, Any] = {
        "config": config,
        "dtype": chosen if chosen == "auto" else getattr(torch, chosen),
        "local_files_only": True,
        "trust_remote_code": False,
        "output_loading_info": True,
    }
    apart = None if sharded or chosen == "auto" else unread(path, config, wanted["dtype"])
    if apart is None:
        model, report = AutoModelForCausalLM.from_pretrained(path, **wanted, **({"device_map": "auto"} if sharded else {}))
    else:
        kind, tensors = apart
        model, report = kind.from_pretrained(None, state_dict=tensors, generation_config=_generation(path), **wanted)
        model.name_or_path = model.config.name_or_path = str(path)
    missing = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
    if missing:
        raise InfrastructureError(
            f"unicomp: the checkpoint {path} lacks {len(missing)} weights that its config.json asks for (first: {missing[0]}); write it again."
        )
    if unpack:
        from compressed_tensors.offload import remove_dispatch

        # Unpacking leaves an offloading wrapper around every module, which costs a third of the time of a small model's step.
        remove_dispatch(model, onload_tensors=True)
        settle(model, packed)
    # A checkpoint's sampling defaults do not count: every request says how it wants to be sampled, and reference and candidate may ship different ones.
    model.generation_config.temperature = model.generation_config.top_p = model.generation_config.top_k = None
    return model.eval() if sharded else model.to(device).eval()


def _generation(path: Path) -> Any:
    """Return what transformers would read as the folder's generation config: its own file, or what config.json says of generation."""
    from transformers import GenerationConfig

    try:
        return GenerationConfig.from_pretrained(path, local_files_only=True)
    except OSError:  # there is none, or none that can be read
        return GenerationConfig.from_model_config(json.loads((path / "config.json").read_text(encoding="utf-8")))
