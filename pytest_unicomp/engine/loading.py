"""Loads a checkpoint folder: the model, its tokenizer, and the lm-eval interface around both."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.checkpoints import recognize
from pytest_unicomp.checkpoints.config_json import read_config
from pytest_unicomp.engine.activation_quantization import apply_activation_quantization, cast_unpacked_weights
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.malloc_trim import trim
from pytest_unicomp.engine.prompts import TemplateOfTokenizer
from pytest_unicomp.engine.quiet_libraries import quiet, without_progress_bars
from pytest_unicomp.engine.stored_weights import lazy_state_dict
from pytest_unicomp.store.local import Store

NAME = "lm-eval-hf"
DTYPES = ("auto", "float32", "bfloat16", "float16")
MAX_BATCH_SIZE = 64
LOGITS_BYTES = {"cpu": 2**30, "cuda": 2**33}


@dataclass
class Engine(TemplateOfTokenizer):
    """One loaded checkpoint: `model` (in eval mode), `tokenizer`, and `lm`, the UnicompLM around them. `dtype` is that of the computation.

    `store`, if there is one, keeps the rendered prompts.
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
        """The context length of the model, in tokens."""
        return int(self.lm.max_length)

    def batch_size(self, tokens: int, *, logits_everywhere: bool) -> int:
        """Return how many sequences of `tokens` tokens form a batch, 1 to MAX_BATCH_SIZE.

        It depends on the model and the type of device alone, so that results are repeatable. Scoring (`logits_everywhere`) holds float32 logits of
        every position and their log-softmax; generation holds those of the last position alone.
        """
        positions = max(1, min(tokens, self.max_length)) if logits_everywhere else 1
        vocabulary = int(self.model.get_output_embeddings().weight.shape[0])
        budget = LOGITS_BYTES[host.device_type(self.device)]
        return max(1, min(MAX_BATCH_SIZE, budget // (8 * positions * vocabulary)))

    def fit_batch(self, prompts: Iterable[str], *, logits_everywhere: bool) -> None:
        """Set lm-eval's batch size for these prompts, by the longest of them."""
        longest = max(prompts, key=len, default="")
        # A quarter more: the prompt with the most tokens may be another than that with the most characters, and continuations are added.
        tokens = len(self.tokenizer(longest, add_special_tokens=True)["input_ids"]) * 5 // 4 + 32
        self.lm.batch_size_per_gpu = self.batch_size(tokens, logits_everywhere=logits_everywhere)

    def synchronize(self) -> None:
        """Wait until the device has finished all queued work."""
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
    """Load the checkpoint folder `path` on `device` ("auto", "cpu", "cuda:N") and compute in `dtype`, one of DTYPES.

    "auto" computes in float32 on CPU and in the checkpoint's own dtype on CUDA. Compressed-tensors checkpoints are dequantized to dense weights, and
    activations are quantized if the checkpoint says so. No code from the checkpoint runs and nothing is downloaded. If `sharded`, accelerate's
    device_map distributes the layers over all GPUs, and over host memory if they do not suffice. Raises UsageProblem for a folder without
    config.json, a format that is not loaded here or an unknown dtype, InfrastructureError if weights are missing from the files or loading leaves a stored tensor unread.
    """
    if dtype not in DTYPES:
        raise UsageProblem(f"unicomp: dtype is {dtype!r}; expected one of {', '.join(DTYPES)}.")
    if not (path / "config.json").is_file():
        raise UsageProblem(f"unicomp: {path} has no config.json; expected the folder of a checkpoint that transformers can load.")
    recognize.require_evaluable(path, str(path))
    device = host.resolve_device(device)
    with quiet():
        with without_progress_bars():
            model = _load_model(path, device, dtype, sharded)
        trim()
        from transformers import AutoTokenizer

        from pytest_unicomp.engine.lm import UnicompLM

        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        lm = UnicompLM(model, tokenizer, batch_size=MAX_BATCH_SIZE)
    return Engine(path=path, device=device, dtype=str(model.dtype).removeprefix("torch."), model=model, tokenizer=tokenizer, lm=lm)


def stored_dtype(path: Path) -> str:
    """Return the dtype that a checkpoint's config.json names, one of DTYPES except "auto"; "float32" if it names none of them."""
    config = read_config(path)
    named = str(config.get("dtype") or config.get("torch_dtype") or "")
    return named if named in DTYPES and named != "auto" else "float32"


def _load_model(path: Path, device: str, dtype: str, sharded: bool) -> Any:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    quantization = getattr(config, "quantization_config", None) or {}
    compressed = quantization.get("quant_method") == "compressed-tensors"
    if compressed:
        # Unpacking waits until all tensors are known to be there: one that is absent would be unpacked from uninitialized memory, which fails or not.
        quantization |= {"dequantize": False, "run_compressed": None}
    model, report = _from_pretrained(path, config, "float32" if dtype == "auto" and device == "cpu" else dtype, sharded)
    _require_complete(path, report)
    if compressed:
        from compressed_tensors.offload import remove_dispatch

        quantizer = getattr(model, "hf_quantizer", None)  # transformers sets none if only the KV cache is quantized
        if quantizer is not None and quantizer.quantization_config.is_quantization_compressed:
            quantizer.compressor.decompress_model(model)
        # Dequantization leaves an offloading wrapper around every module, which costs a third of the time of a small model's step.
        # A sharded model stays where its parts lie: one GPU would not hold it.
        remove_dispatch(model, onload_tensors=not sharded)
        cast_unpacked_weights(model, model.config.dtype)
        apply_activation_quantization(model, quantization)
        if sharded:
            _distribute(model)
    # A checkpoint's sampling defaults are dropped: each request has its own settings, and reference and candidate may have different defaults.
    model.generation_config.temperature = model.generation_config.top_p = model.generation_config.top_k = None
    return model.eval() if sharded else model.to(device).eval()


def _distribute(model: Any) -> None:
    """Distribute the unpacked layers over all GPUs, and over host memory if they do not suffice, with the hooks that move activations between them.

    What transformers distributed was packed, and unpacking removed its hooks.
    """
    from accelerate import dispatch_model, infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    blocks = sorted(model._no_split_modules or ())
    memory = get_balanced_memory(model, no_split_module_classes=blocks)
    dispatch_model(model, infer_auto_device_map(model, max_memory=memory, no_split_module_classes=blocks), force_hooks=True)


def _require_complete(path: Path, report: Mapping[str, Any]) -> None:
    """Raise InfrastructureError if loading invented a parameter or left a stored tensor unread, given transformers' loading report.

    Tensors that transformers' own model classes list as ignorable (old buffers such as rotary inv_freq) are not in the report.
    """
    missing = sorted(report["missing_keys"]) + sorted(str(key) for key in report["mismatched_keys"])
    if missing:
        raise InfrastructureError(
            f"unicomp: the checkpoint {path} lacks {len(missing)} weights that its config.json requires (first: {missing[0]}); write it again."
        )
    unread = sorted(report["unexpected_keys"])
    if unread:
        raise InfrastructureError(
            f"unicomp: the checkpoint {path} holds {len(unread)} tensors that loading did not use (first: {unread[0]}), so that its scores would be "
            "those of other weights; let config.json declare the architecture and quantization_config that wrote them, or save it again."
        )


def _from_pretrained(path: Path, config: Any, dtype: str, sharded: bool) -> tuple[Any, dict[str, Any]]:
    """Return the model and transformers' loading report; weights are converted tensor by tensor if `stored_weights` can."""
    import torch

    settings: dict[str, Any] = {
        "config": config,
        "dtype": dtype if dtype == "auto" else getattr(torch, dtype),
        "local_files_only": True,
        "trust_remote_code": False,
        "output_loading_info": True,
    }
    lazy = None if sharded or dtype == "auto" else lazy_state_dict(path, config, settings["dtype"])
    if lazy is None:
        model, report = _auto_class(config).from_pretrained(path, **settings, **({"device_map": "auto"} if sharded else {}))
    else:
        model_class, tensors = lazy
        model, report = model_class.from_pretrained(None, state_dict=tensors, generation_config=_generation_config(path), **settings)
        model.name_or_path = model.config.name_or_path = str(path)
    return model, report


def _auto_class(config: Any) -> Any:
    """Return transformers' class that chooses the model: that of causal models or, for a vision-language model only known as such, the class of
    those. Texts then go through its language model; no image is given."""
    from transformers import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
        AutoModelForCausalLM,
        AutoModelForImageTextToText,
    )

    kind = type(config)
    only_images = kind not in MODEL_FOR_CAUSAL_LM_MAPPING and kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    return AutoModelForImageTextToText if only_images else AutoModelForCausalLM


def _generation_config(path: Path) -> Any:
    """Return the generation config that transformers would read: the folder's own file, else what config.json says about generation."""
    from transformers import GenerationConfig

    try:
        return GenerationConfig.from_pretrained(path, local_files_only=True)
    except OSError:  # the file is missing or cannot be read
        return GenerationConfig.from_model_config(read_config(path))
