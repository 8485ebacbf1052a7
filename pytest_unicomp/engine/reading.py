"""Reads a checkpoint's weights one tensor at a time where they are computed in another type than they are stored in.

transformers maps the files into memory and lets go of them when all is loaded: while weights of two bytes become weights of four, it holds
both. Read a tensor at a time, the stored ones take no more than the few that are being converted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_unicomp.weights import headers

TYPES = {"F64": "torch.float64", "F32": "torch.float32", "F16": "torch.float16", "BF16": "torch.bfloat16"}
WHOLE, INDEX, ADAPTER = "model.safetensors", "model.safetensors.index.json", "adapter_config.json"


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
    files = _files(path)
    stored = {tensor.dtype for tensor in headers(files).values()}
    if not any(TYPES.get(kind, str(dtype)) != str(dtype) for kind in stored):
        return None
    # A slice keeps its file open.
    opened: list[Any] = [safe_open(file, framework="pt", device="cpu", backend="pread") for file in files]
    return chosen, {name: file.get_slice(name) for file in opened for name in file.keys()}  # noqa: SIM118


def _files(path: Path) -> list[Path]:
    """Return the one file, or those beside the index that it names; none where there are both or neither, or one lies elsewhere."""
    if (path / WHOLE).is_file() == (path / INDEX).is_file():
        return []
    if (path / WHOLE).is_file():
        return [path / WHOLE]
    names = set(json.loads((path / INDEX).read_text(encoding="utf-8")).get("weight_map", {}).values())
    return sorted(path / name for name in names) if all(name == Path(name).name for name in names) else []
