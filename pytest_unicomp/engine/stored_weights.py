"""Loads a checkpoint tensor by tensor if its weights are computed in another dtype than they are stored in.

transformers maps the files into memory until all weights are loaded: if 2-byte weights become 4-byte weights, both are in memory at the end. Tensor
by tensor, only those being converted are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_unicomp.checkpoints.safetensors_reader import INDEX, WHOLE, headers, weight_files

TYPES = {"F64": "torch.float64", "F32": "torch.float32", "F16": "torch.float16", "BF16": "torch.bfloat16"}
ADAPTER = "adapter_config.json"


def lazy_state_dict(path: Path, config: Any, dtype: Any) -> tuple[Any, dict[str, Any]] | None:
    """Return the model class and the tensors by name, not yet read, of the checkpoint folder `path`, for `from_pretrained(None, state_dict=)`.

    `config` is the folder's, `dtype` the torch dtype to compute in. Returns None if no weight changes its dtype (mapped files are then free, and
    shared between processes), and if transformers must see the folder itself: for quantized weights, an adapter, weight files with other names,
    or a class that depends on more than the configuration. Raises UsageProblem for a file that is not a safetensors file.
    """
    from safetensors import safe_open
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    model_class = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    if not isinstance(model_class, type) or getattr(model_class, "config_class", None) is not type(config):
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
    return model_class, {name: opened[tensor.file].get_slice(name) for name, tensor in stored.items()}
