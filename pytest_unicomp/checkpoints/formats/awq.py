"""AutoAWQ's checkpoints ("gemm"): codes packed along the outputs, eight to a word in the order 0 2 4 6 1 3 5 7 (awq/utils/packing_utils.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.formats.layer import Declared, QuantizedLayer, differing, gather, inputs_per_scale
from pytest_unicomp.checkpoints.safetensors_reader import Tensor


def declared(quantization: Mapping[str, Any]) -> Declared:
    """Read bits, group size and zero points from `quantization_config`; raises UsageProblem if bits are missing or not 1 to 8."""
    bits = quantization.get("bits", quantization.get("w_bit"))
    if bits not in range(1, 9):
        raise UsageProblem(f"unicomp: quantization_config names {bits!r} bits; expected 1 to 8; write config.json again.")
    group = int(quantization.get("group_size", quantization.get("q_group_size", 128)))
    points = bool(quantization.get("zero_point", True))
    return Declared(int(bits), "int", group if group > 0 else None, symmetric=not points)


def version(quantization: Mapping[str, Any]) -> str:
    """Return the packing's name in lower case: "gemm", "gemv", "exllama", ..."""
    return str(quantization.get("version", "gemm")).lower()


def layers(tensors: Mapping[str, Tensor], quantization: Mapping[str, Any]) -> list[QuantizedLayer]:
    """Return every layer with a `qweight` (inputs x outputs * bits / 32 words), judged against the declaration.

    Raises UsageProblem for a packing other than "gemm".
    """
    if version(quantization) != "gemm":
        raise UsageProblem(f"unicomp: AutoAWQ's packing {version(quantization)!r} is not known here; expected 'gemm': save the model so.")
    wanted = declared(quantization)
    return [_layer(name, parts, wanted) for name, parts in gather(tensors, "qweight")]


def _layer(name: str, parts: Mapping[str, Tensor], wanted: Declared) -> QuantizedLayer:
    inputs, width = parts["qweight"].shape
    scales = parts.get("scales")
    groups, outputs = scales.shape if scales is not None else (1, width * 32 // wanted.bits)
    group = wanted.group or inputs
    per_row = outputs * wanted.bits // 32
    shapes: dict[str, tuple[str | None, tuple[int, ...]]] = {
        "qweight": ("I32", (inputs, per_row)),
        "scales": (None, (-(-inputs // group), outputs)),
    }
    if not wanted.symmetric or "qzeros" in parts:
        shapes["qzeros"] = ("I32", (-(-inputs // group), per_row))
    return QuantizedLayer(
        name,
        outputs,
        inputs,
        32 * width / outputs,
        inputs_per_scale(inputs, groups, wanted),
        wanted,
        parts,
        tuple(differing(parts, shapes)),
    )
