"""The kernels of formats, one linear layer at a time: which exist on a device, what they need, and a dense weight packed for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_unicomp.engine.runtimes import float8, semi_structured
from pytest_unicomp.engine.runtimes.weight_only import INT4_GROUPS, classes

Format = Literal["int8", "int4", "fp8", "2of4"]
# NVIDIA's compute capability from which on a kernel exists.
CAPABILITY: Mapping[str, tuple[int, int]] = {"int8": (8, 0), "int4": (8, 0), "fp8": (8, 9), "2of4": (8, 0)}
ON_CPU = ("int8", "int4")
OPERATORS = {
    "int8": "torch._weight_int8pack_mm, per output",
    "int4": "torch._weight_int4pack_mm, group {group}",
    "fp8": "torch._scaled_mm, per output and token",
    "2of4": "torch.sparse.to_sparse_semi_structured",
}


@dataclass(frozen=True)
class Packed:
    """A layer ready to multiply: `module` computes x [..., inputs] -> [..., outputs], `weight` is the dense weight that it stands for, and
    `bytes` is what one product reads of it: codes, scales, indices."""

    module: Any
    weight: Any
    bytes: int


def missing(format_: Format, device: str) -> str | None:
    """Say in one phrase why a device has no kernel of a format, or None where it has; torch is imported for a GPU alone."""
    if not device.startswith("cuda"):
        return None if format_ in ON_CPU else f"torch computes {format_} on NVIDIA GPUs alone"
    import torch

    if not torch.cuda.is_available():
        return "no GPU answers"
    found, needed = torch.cuda.get_device_capability(device), CAPABILITY[format_]
    if found >= needed:
        return None
    return f"torch's {format_} kernel needs compute capability {needed[0]}.{needed[1]}, and this GPU has {found[0]}.{found[1]}"


def label(format_: Format, inputs: int) -> str:
    """Return the operator that computes a layer of so many inputs, as reports name it."""
    return OPERATORS[format_].format(group=group_of(inputs))


def group_of(inputs: int) -> int | None:
    """Return the group of int4 scales: 128 where the inputs divide, else the largest that torch takes; None where none does."""
    return next((group for group in (128, *sorted(INT4_GROUPS, reverse=True)) if inputs % group == 0), None)


def unfit(format_: Format, outputs: int, inputs: int, device: str) -> str | None:
    """Say what keeps a layer of this shape from the kernel, or None."""
    if format_ == "int4" and (group_of(inputs) is None or outputs % 16):
        return f"{inputs} inputs are in no group of {', '.join(map(str, INT4_GROUPS))}, or {outputs} outputs are no multiple of 16"
    if format_ == "int4" and device.startswith("cuda") and inputs % 128:
        return f"{inputs} inputs are no multiple of 128, the tile of the kernel on a GPU"
    if format_ == "fp8" and (outputs % 16 or inputs % 16):
        return "sides are no multiples of 16"
    if format_ == "2of4" and (outputs % semi_structured.OUTPUTS_OF or inputs % semi_structured.INPUTS_OF):
        return f"sides are no multiples of {semi_structured.OUTPUTS_OF} and {semi_structured.INPUTS_OF}"
    return None


def pack(format_: Format, weight: Any) -> Packed:
    """Return a dense weight [outputs, inputs] (bfloat16, on its device) rounded to the format and packed for its kernel."""
    if format_ == "fp8":
        codes, scales = float8.packed(weight)
        module = float8.linear()(codes, scales, None, weight.dtype)
        return Packed(module, (codes.float() * scales).to(weight.dtype), codes.numel() + 4 * scales.numel())
    if format_ == "2of4":
        sparse = semi_structured.pruned(weight)
        # Two of four values of two bytes, and two bits that say where each of them stood.
        return Packed(semi_structured.linear()(sparse, None), sparse, weight.numel() + weight.numel() // 8)
    return _integers(weight, 8 if format_ == "int8" else 4)


def _integers(weight: Any, bits: int) -> Packed:
    import torch

    outputs, inputs = weight.shape
    group = inputs if bits == 8 else group_of(inputs)
    assert group is not None
    largest = 2 ** (bits - 1) - 1
    groups = weight.float().reshape(outputs, -1, group)
    # Rounded as the kernel holds them, so that what it stands for is exact.
    scales = (groups.abs().amax(dim=-1) / largest).clamp(min=1e-9).to(weight.dtype)
    codes = (groups / scales.float()[..., None]).round().clamp(-largest - 1, largest)
    stands_for = (codes * scales.float()[..., None]).reshape(outputs, inputs).to(weight.dtype)
    codes = codes.reshape(outputs, inputs).to(torch.int8)
    int4, int8 = classes()
    if bits == 8:
        return Packed(int8(codes, scales, group, None, weight.dtype), stands_for, codes.numel() + 2 * scales.numel())
    # Of every group the kernel reads a scale and a zero.
    return Packed(
        int4(codes, scales, torch.zeros_like(scales), group, None, weight.dtype), stands_for, codes.numel() // 2 + 4 * scales.numel()
    )
