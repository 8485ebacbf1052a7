"""Writes AutoAWQ and GPTQ checkpoints by those formats' definitions, one code at a time, and says what each weight then stands for."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)


@dataclass(frozen=True)
class Packed:
    """One layer: its tensors by last name, and the dense weight (outputs x inputs, float32) that they stand for."""

    tensors: dict[str, np.ndarray]
    weight: np.ndarray


def quantized(weight: np.ndarray, bits: int, groups: np.ndarray, symmetric: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes (outputs x inputs), zero points and scales (groups x outputs, float16) by rounding to nearest; `groups` names each input's group."""
    count, top = int(groups.max()) + 1, 2**bits - 1
    points, scales = np.zeros((count, len(weight)), np.int64), np.zeros((count, len(weight)), np.float16)
    codes = np.zeros(weight.shape, np.int64)
    for group in range(count):
        part = weight[:, groups == group]
        if symmetric:
            scale, point = 2 * np.abs(part).max(axis=1) / top, np.full(len(weight), 2 ** (bits - 1))
        else:
            low, high = np.minimum(part.min(axis=1), 0), np.maximum(part.max(axis=1), 0)
            scale = (high - low) / top
            point = np.clip(np.round(-low / scale), 1, top).astype(np.int64)
        scales[group], points[group] = scale.astype(np.float16), point
        steps = part / scales[group].astype(np.float32)[:, None] + point[:, None]
        codes[:, groups == group] = np.clip(np.round(steps), 0, top).astype(np.int64)
    return codes, points, scales


def stream(codes: np.ndarray, bits: int) -> np.ndarray:
    """Rows of codes -> rows of int32 words: bit b of code i is bit (i * bits + b) of the row, counted from the lowest of the first word."""
    flat = ((codes[:, :, None] >> np.arange(bits)) & 1).reshape(len(codes), -1)
    words = flat.reshape(len(codes), -1, 32).astype(np.uint64) << np.arange(32, dtype=np.uint64)
    return words.sum(axis=2).astype(np.uint32).view(np.int32)


def meant(codes: np.ndarray, points: np.ndarray, scales: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """w = (code - zero point of the input's group) * scale of the input's group."""
    return (codes - points[groups].T) * scales[groups].T.astype(np.float32)


def gptq_layer(
    weight: np.ndarray, *, bits: int, group: int, version: int = 1, symmetric: bool = True, order: np.ndarray | None = None
) -> Packed:
    """AutoGPTQ: qweight (inputs * bits / 32, outputs), qzeros (groups, outputs * bits / 32); version 1 stores zero points less one."""
    inputs = weight.shape[1]
    groups = np.arange(inputs) // (group if group > 0 else inputs)
    groups = groups if order is None else groups[order]
    codes, points, scales = quantized(weight, bits, groups, symmetric)
    tensors = {
        "qweight": stream(codes, bits).T.copy(),
        "qzeros": stream(points - (1 if version == 1 else 0), bits),
        "scales": scales,
        "g_idx": groups.astype(np.int32),
    }
    return Packed(tensors, meant(codes, points, scales, groups).astype(np.float32))


def awq_layer(weight: np.ndarray, *, group: int) -> Packed:
    """AutoAWQ's GEMM: eight 4-bit codes of neighbouring outputs to a word, nibble k holding output AWQ_ORDER[k] of the eight."""
    groups = np.arange(weight.shape[1]) // group
    codes, points, scales = quantized(weight, 4, groups, symmetric=False)

    def words(rows: np.ndarray) -> np.ndarray:
        eights = rows.reshape(len(rows), -1, 8).astype(np.uint32)
        total = np.zeros(eights.shape[:2], np.uint32)
        for nibble, place in enumerate(AWQ_ORDER):
            total |= eights[:, :, place] << np.uint32(4 * nibble)
        return total.view(np.int32)

    return Packed(
        {"qweight": words(codes.T), "qzeros": words(points), "scales": scales}, meant(codes, points, scales, groups).astype(np.float32)
    )


def write(source: Path, folder: Path, method: str, **how) -> dict[str, np.ndarray]:
    """Copy a dense checkpoint with the linear layers of its blocks packed; returns what each layer's weight stands for, by its dense name.

    `how` goes to the layer's function; `config` in it is added to quantization_config, `orders` names a permutation of inputs per size.
    """
    from safetensors.numpy import load_file, save_file

    config, orders = how.pop("config", {}), how.pop("orders", {})
    shutil.copytree(source, folder)
    tensors, weights = {}, {}
    for name, tensor in load_file(source / "model.safetensors").items():
        module = name.removesuffix(".weight")
        if not module.endswith("_proj"):
            tensors[name] = tensor
            continue
        extra = {"order": orders[tensor.shape[1]]} if tensor.shape[1] in orders else {}
        layer = awq_layer(tensor, **how) if method == "awq" else gptq_layer(tensor, **how, **extra)
        weights[name] = layer.weight
        tensors |= {f"{module}.{kind}": part for kind, part in layer.tensors.items()}
    save_file(
        {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"}
    )
    declared = {"quant_method": method, "bits": how.get("bits", 4), "group_size": how["group"]}
    if method == "awq":
        declared |= {"zero_point": True, "version": "gemm", "modules_to_not_convert": None}
    else:
        version = how.get("version", 1)
        declared |= {
            "desc_act": bool(orders),
            "sym": how.get("symmetric", True),
            "checkpoint_format": "gptq" if version == 1 else "gptq_v2",
        }
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, "quantization_config": {**declared, **config}}, indent=2))
    return weights
