"""ModelOpt's FP8 and NVFP4 checkpoints, written as its exporter writes them, with the weights that they stand for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

FP4 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def fp8_layer(weight: Any, *, inputs: float | None = None) -> tuple[dict[str, Any], Any]:
    """Return the tensors of a layer with one scale, and its weight unpacked; `inputs` is the largest input, which a static scale covers."""
    import torch

    scale = weight.abs().max() / 448
    codes = (weight / scale).to(torch.float8_e4m3fn)
    tensors = {"weight": codes, "weight_scale": scale.clone()}
    if inputs is not None:
        tensors["input_scale"] = torch.tensor(inputs / 448)
    return tensors, codes.float() * scale


def nvfp4_layer(weight: Any, *, inputs: float | None = None) -> tuple[dict[str, Any], Any]:
    """Return the tensors of a layer with a scale per 16 inputs and one over all, and its weight unpacked."""
    import torch

    outputs, width = weight.shape
    groups = weight.reshape(outputs, width // 16, 16)
    over_all = weight.abs().max() / (448 * 6)
    scales = (groups.abs().amax(-1) / 6 / over_all).to(torch.float8_e4m3fn)
    step = (scales.float() * over_all)[..., None]
    levels = torch.tensor(FP4)
    nearest = ((groups / step).abs()[..., None] - levels).abs().argmin(-1)
    codes = (nearest + 8 * (groups < 0)).to(torch.uint8).reshape(outputs, width)
    tensors = {"weight": codes[:, ::2] | codes[:, 1::2] << 4, "weight_scale": scales, "weight_scale_2": over_all.clone()}
    if inputs is not None:
        tensors["input_scale"] = torch.tensor(inputs / (448 * 6))
    return tensors, (levels[nearest] * groups.sign() * step).reshape(outputs, width)


def write(source: Path, folder: Path, algorithm: str, *, inputs: float | None = None, beside: bool = False, cache: bool = False) -> Path:
    """Write `source` with each projection as ModelOpt's `algorithm` stores it, and the dense checkpoint that it stands for at `folder`-dense.

    FP8 and NVFP4 store a scale of inputs, for inputs of up to `inputs` (if None, 4).
    The declaration lies in config.json, or `beside` it in hf_quant_config.json alone. With `cache`, each layer has scales for keys and values.
    """
    import torch
    from safetensors.torch import load_file, save_file

    inputs = 4.0 if inputs is None and algorithm in ("FP8", "NVFP4") else inputs
    dense = folder.with_name(f"{folder.name}-dense")
    for made in (folder, dense):
        shutil.copytree(source, made)
    held = load_file(source / "model.safetensors")
    unpacked = dict(held)
    for name in [name for name in held if name.endswith("_proj.weight")]:
        parts, unpacked[name] = (fp8_layer if algorithm == "FP8" else nvfp4_layer)(held.pop(name), inputs=inputs)
        module = name.removesuffix(".weight")
        held |= {f"{module}.{kind}": part for kind, part in parts.items()}
        if cache and module.endswith(("k_proj", "v_proj")):
            held[f"{module}.{module[-6]}_scale"] = torch.tensor(0.01)
    save_file(held, folder / "model.safetensors", metadata={"format": "pt"})
    save_file(unpacked, dense / "model.safetensors", metadata={"format": "pt"})
    if beside:
        stated = {"quant_algo": algorithm, "kv_cache_quant_algo": "FP8" if cache else None, "exclude_modules": ["lm_head"]}
        (folder / "hf_quant_config.json").write_text(json.dumps({"producer": {"name": "modelopt"}, "quantization": stated}))
    else:
        config = json.loads((folder / "config.json").read_text())
        config["quantization_config"] = {"quant_method": "modelopt", "quant_algo": algorithm, "ignore": ["lm_head"]}
        if cache:
            config["quantization_config"]["kv_cache_scheme"] = {"num_bits": 8, "type": "float", "dynamic": False}
        (folder / "config.json").write_text(json.dumps(config))
    return folder
