"""The kernels of compressed formats: which ones a device has, which layer shapes they support, and how a dense weight is packed for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pytest_unicomp.api.errors import one_line
from pytest_unicomp.engine.runtimes import float8, semi_structured
from pytest_unicomp.engine.runtimes.weight_only import INT4_GROUPS, linear_classes

Format = Literal["int8", "int4", "fp8", "2of4"]
# The lowest compute capability of an NVIDIA GPU that has the kernel.
CAPABILITY: Mapping[str, tuple[int, int]] = {"int4": (8, 0), "fp8": (8, 9), "2of4": (8, 0)}
# A multiple of what every format requires of both sides.
TRIAL_SIDE = 256
ON_CPU = ("int8", "int4")
OPERATORS = {
    "int8": "torch._weight_int8pack_mm, per output",
    "int4": "torch._weight_int4pack_mm, group {group}",
    "fp8": "torch._scaled_mm, per output and token",
    "2of4": "torch.sparse.to_sparse_semi_structured",
}


@dataclass(frozen=True)
class Packed:
    """A packed layer: `module` maps x (..., inputs) to (..., outputs), `weight` is the equivalent dense weight, and `bytes` is how much one product
    reads: codes, scales, indices."""

    module: Any
    weight: Any
    bytes: int


def unavailable_reason(format_: Format, device: str) -> str | None:
    """Return one phrase that says why a device has no kernel of a format, or None if it has one; torch is imported for a GPU alone."""
    if not device.startswith("cuda"):
        return None if format_ in ON_CPU else f"torch computes {format_} on NVIDIA GPUs alone"
    import torch

    if not torch.cuda.is_available():
        return "no GPU answers"
    if format_ == "int8":
        return "torch's int8 product on a GPU is a reference implementation without tensor cores, slower than dense"
    found, needed = torch.cuda.get_device_capability(device), CAPABILITY[format_]
    if found >= needed:
        return _trial_failure(format_, device)
    return f"torch's {format_} kernel needs compute capability {needed[0]}.{needed[1]}, and this GPU has {found[0]}.{found[1]}"


@cache
def _trial_failure(format_: Format, device: str) -> str | None:
    """Return why a small product fails on the device: a build of torch, or a library that it uses, may lack the kernel. None if it works."""
    import torch

    try:
        weight = torch.ones(TRIAL_SIDE, TRIAL_SIDE, dtype=torch.bfloat16, device=device)
        pack(format_, weight).module(weight)
        torch.cuda.synchronize(device)
    except (RuntimeError, NotImplementedError) as error:
        return f"torch's {format_} kernel fails on this GPU: {one_line(error, longest=100)}"
    return None


def operator_name(format_: Format, inputs: int) -> str:
    """Return the name, for reports, of the operator that computes a layer with this number of inputs."""
    return OPERATORS[format_].format(group=int4_group_size(inputs))


def int4_group_size(inputs: int) -> int | None:
    """Return the group size of int4 scales: 128 if it divides the inputs, else the largest supported one that does; None if none does."""
    return next((group for group in (128, *sorted(INT4_GROUPS, reverse=True)) if inputs % group == 0), None)


def unsupported_shape(format_: Format, outputs: int, inputs: int, device: str) -> str | None:
    """Return why the kernel does not support a layer of this shape, or None if it does."""
    if format_ == "int4" and (int4_group_size(inputs) is None or outputs % 16):
        return f"{inputs} inputs are in no group of {', '.join(map(str, INT4_GROUPS))}, or {outputs} outputs are no multiple of 16"
    if format_ == "int4" and device.startswith("cuda") and inputs % 128:
        return f"{inputs} inputs are no multiple of 128, the tile of the kernel on a GPU"
    if format_ == "fp8" and (outputs % 16 or inputs % 16):
        return "sides are no multiples of 16"
    if format_ == "2of4" and (outputs % semi_structured.OUTPUTS_MULTIPLE or inputs % semi_structured.INPUTS_MULTIPLE):
        return f"sides are no multiples of {semi_structured.OUTPUTS_MULTIPLE} and {semi_structured.INPUTS_MULTIPLE}"
    return None


def pack(format_: Format, weight: Any) -> Packed:
    """Quantize or prune a dense weight (outputs, inputs), bfloat16 on its device, to a format, and pack it for the kernel."""
    if format_ == "fp8":
        codes, scales = float8.quantize(weight)
        module = float8.linear_class()(codes, scales, None, weight.dtype)
        return Packed(module, (codes.float() * scales).to(weight.dtype), codes.numel() + 4 * scales.numel())
    if format_ == "2of4":
        sparse = semi_structured.prune_2of4(weight)
        # Half of the values at two bytes each, with two bits for the position of each.
        return Packed(semi_structured.linear_class()(sparse, None), sparse, weight.numel() + weight.numel() // 8)
    return _pack_integers(weight, 8 if format_ == "int8" else 4)


def _pack_integers(weight: Any, bits: int) -> Packed:
    import torch

    outputs, inputs = weight.shape
    group = inputs if bits == 8 else int4_group_size(inputs)
    assert group is not None
    largest = 2 ** (bits - 1) - 1
    groups = weight.float().reshape(outputs, -1, group)
    # Rounded to the kernel's dtype, so that the equivalent dense weight is exact.
    scales = (groups.abs().amax(dim=-1) / largest).clamp(min=1e-9).to(weight.dtype)
    codes = (groups / scales.float()[..., None]).round().clamp(-largest - 1, largest)
    equivalent = (codes * scales.float()[..., None]).reshape(outputs, inputs).to(weight.dtype)
    codes = codes.reshape(outputs, inputs).to(torch.int8)
    int4, int8 = linear_classes()
    if bits == 8:
        return Packed(int8(codes, scales, group, None, weight.dtype), equivalent, codes.numel() + 2 * scales.numel())
    # The kernel reads a scale and a zero point of two bytes each per group.
    return Packed(
        int4(codes, scales, torch.zeros_like(scales), group, None, weight.dtype), equivalent, codes.numel() // 2 + 4 * scales.numel()
    )
