"""Builds kernel modules from the codes and scales of a compressed-tensors checkpoint, one layer at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.checkpoints.formats.layer import Declared
from pytest_unicomp.checkpoints.safetensors_reader import weight_files
from pytest_unicomp.engine.runtimes import float8
from pytest_unicomp.engine.runtimes.weight_only import linear_classes


def read_layers(folder: Path, wanted: Mapping[str, Declared]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (layer name, its tensors by their names without the path) for each wanted layer, with one layer in memory at a time.

    Raises InfrastructureError if a layer has no scale.
    """
    from safetensors import safe_open

    file_of: dict[str, dict[str, Path]] = {}
    for file in weight_files(folder):
        with safe_open(file, "pt") as opened:
            for key in opened.keys():  # noqa: SIM118 - not a mapping
                module, _, kind = key.rpartition(".")
                if module in wanted:
                    file_of.setdefault(module, {})[kind] = file
    for module in wanted:
        parts = {}
        for kind, file in file_of.get(module, {}).items():
            with safe_open(file, "pt") as opened:
                parts[kind] = opened.get_tensor(f"{module}.{kind}")
        if "weight_scale" not in parts:
            raise InfrastructureError(
                f"unicomp: the checkpoint {folder} declares {module} quantized but has no scale for it; write it again."
            )
        yield module, parts


def build_layer(module: Any, parts: Mapping[str, Any], scheme: Declared) -> Any:
    """Return the kernel module that replaces the dense Linear `module`, on its device and in its dtype; `parts` are the layer's tensors."""
    device, dtype = module.weight.device, module.weight.dtype
    bias = None if module.bias is None else module.bias.data
    outputs, inputs = module.out_features, module.in_features
    if scheme.kind == "float":
        scales = parts["weight_scale"].float().reshape(-1, 1).expand(outputs, 1)
        return float8.linear_class()(parts["weight"].to(device), scales.to(device), bias, dtype)
    codes, scales, zeros = _integer_codes(parts, scheme, outputs, inputs)
    group = scheme.group or inputs
    int4, int8 = linear_classes()
    if scheme.bits <= 4:
        return int4(codes.to(device), scales.to(device), zeros.to(device), group, bias, dtype)
    return int8(codes.to(device), scales.to(device), group, bias, dtype)


def _integer_codes(parts: Mapping[str, Any], scheme: Declared, outputs: int, inputs: int) -> tuple[Any, Any, Any]:
    """Return codes (outputs, inputs) as integers, scales and zero points (outputs, groups) as float32."""
    import torch
    from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32

    codes = parts.get("weight")
    if codes is None:
        codes = unpack_from_int32(parts["weight_packed"], scheme.bits, torch.Size((outputs, inputs)))
    scales = parts["weight_scale"].float().reshape(outputs, -1)
    zeros = torch.zeros_like(scales)
    if not scheme.symmetric and "weight_zero_point" in parts:
        zero = parts["weight_zero_point"]
        if zero.dtype == torch.int32:
            zero = unpack_from_int32(zero, scheme.bits, torch.Size((outputs, scales.shape[1])), packed_dim=0)
        zeros = zero.float().reshape(outputs, -1)
    return codes, scales, zeros
