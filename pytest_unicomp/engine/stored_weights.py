"""Reads a checkpoint's weights one tensor at a time where they are computed in another type than they are stored in.

transformers maps the files into memory and lets go of them when all is loaded: while weights of two bytes become weights of four, it holds
both. Read a tensor at a time, the stored ones take no more than the few that are being converted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_unicomp.checkpoints.safetensors_reader import INDEX, WHOLE, headers, weight_files

TYPES = {"F64": "torch.float64", "F32": "torch.float32", "F16": "torch.float16", "BF16": "torch.bfloat16"}
ADAPTER = "adapter_config.json"


def unread(path: Path, config: Any, dtype: Any) -> tuple[Any, dict[str, Any]] | None:
    """Return the model class and the tensors, by name and not yet read, of the checkpoint folder `path`: what `from_pretrained(None, state_dict=)` takes.

    `config` is the folder's, `dtype` the torch type that is computed in. None where nothing is converted, so that mapped files cost nothing
    and are shared by processes, and where transformers has to see the folder itself: quantized weights, an adapter, weights under names that
    it finds by its own rules, a class that more than the configuration decides. Raises UsageProblem for a file that is no safetensors file.
    """
    from safetensors import safe_open
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    chosen = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    if not isinstance(chosen, type) or getattr(chosen, "config_class", None) is not type(config):
        return None
    if getattr(config, "quantization_config", None) or getattr(config, "transformers_weights", None) or (path / ADAPTER).exists():
        return None
    if not any((path / name).is_file() for name in (WHOLE, INDEX)):
        return None
    stored = headers(weight_files(path))
    if all(TYPES.get(tensor.dtype, str(dtype)) == str(dtype) for tensor in stored.values()):
        return None
    # A slice keeps its file open.
    opened: dict[Path, Any] = {file: safe_open(file, framework="pt", device="cpu", backend="pread") for file in weight_files(path)}
    return chosen, {name: opened[tensor.file].get_slice(name) for name, tensor in stored.items()}
