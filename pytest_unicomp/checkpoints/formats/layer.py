"""A quantized layer: the format that its tensors' shapes imply, and the one that config.json declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from pytest_unicomp.checkpoints.safetensors_reader import WIDTHS, Tensor


@dataclass(frozen=True)
class Declared:
    """The settings that config.json states for a layer: `bits` per weight, "int" or "float", inputs per scale (None: one scale for all inputs of an output, or
    of blocks), if zero lies in the middle of the codes, and the strategy by its name in compressed-tensors."""

    bits: int
    kind: str
    group: int | None
    symmetric: bool
    strategy: str = "group"


@dataclass(frozen=True)
class QuantizedLayer:
    """A layer of `outputs` x `inputs` weights: bits per code and inputs per scale as the shapes give them (None if they do not), what is
    declared, its tensors by their last name, and each contradiction between shapes and declaration as half a sentence."""

    name: str
    outputs: int
    inputs: int
    bits: float
    group: int | None
    declared: Declared | None
    parts: Mapping[str, Tensor]
    problems: tuple[str, ...]

    @property
    def stored_bits(self) -> int:
        """Bits of all its tensors but the bias: codes, scales, zero points, indices."""
        return sum(8 * bytes_of(part) for kind, part in self.parts.items() if kind != "bias")

    @property
    def expected_bits(self) -> float | None:
        """Bits that the declaration implies: codes, and per group a scale and a zero point as they are stored; None if nothing is declared.

        A plain 8-bit `weight` takes a byte per code, whatever the code's bits: compressed-tensors' int-quantized format of W4A8. Index and shape
        tensors count as they are: neither depends on bits or group.
        """
        if self.declared is None:
            return None
        scale = next((part for kind, part in self.parts.items() if kind in ("weight_scale", "scales")), None)
        point = self.parts.get("qzeros", self.parts.get("weight_zero_point"))
        count = self.outputs * (-(-self.inputs // self.declared.group) if self.declared.group else 1)
        if self.declared.strategy in ("tensor", "block"):
            count = elements(scale) if scale else 0
        scales = 8 * WIDTHS.get(scale.dtype, 1) * count if scale else 0
        points = (self.declared.bits if point.dtype == "I32" else 8 * WIDTHS.get(point.dtype, 1)) * count if point else 0
        rest = sum(8 * bytes_of(part) for kind, part in self.parts.items() if kind in INDICES)
        plain = "weight" in self.parts and self.parts["weight"].dtype in PLAIN
        return (8 if plain else self.declared.bits) * self.outputs * self.inputs + scales + points + rest


PLAIN = ("I8", "F8_E4M3")
INDICES = (
    *("g_idx", "weight_shape", "weight_g_idx", "input_scale", "input_zero_point", "weight_global_scale", "input_global_scale", "perm"),
    *("quant_map", "nested_absmax", "nested_quant_map", "quant_state", "weight_scale_2"),
)


def bytes_of(tensor: Tensor) -> int:
    """Return the bytes that the tensor takes in its file."""
    return tensor.stop - tensor.start


def words(codes: int, bits: int) -> int:
    """Return how many 32-bit words hold so many codes, packed without gaps."""
    return -(-codes * bits // 32)


def inputs_per_scale(inputs: int, groups: int, wanted: Declared | None) -> int | None:
    """Return how many inputs share a scale; the declared number if it gives so many groups, the last of which may be shorter."""
    if not groups:
        return None
    if wanted is not None and wanted.group and -(-inputs // wanted.group) == groups:
        return wanted.group
    return inputs // groups


def gather(tensors: Mapping[str, Tensor], ending: str) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield (module, its tensors by last name) for each module that has a tensor `module.ending`."""
    modules: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        module, _, kind = name.rpartition(".")
        modules.setdefault(module, {})[kind] = tensor
    return ((module, parts) for module, parts in modules.items() if ending in parts)


def differing(parts: Mapping[str, Tensor], wanted: Mapping[str, tuple[str | None, tuple[int, ...]]]) -> list[str]:
    """Compare tensors with the (dtype or None, shape) that each should have; absent ones are named too."""
    found = []
    for kind, (dtype, shape) in wanted.items():
        tensor = parts.get(kind)
        if tensor is None:
            found.append(f"it has no {kind}")
        elif tensor.shape != shape or (dtype is not None and tensor.dtype != dtype):
            expected = f"{dtype or tensor.dtype} {list(shape)}"
            found.append(f"{kind} is {tensor.dtype} {list(tensor.shape)}, the declaration makes it {expected}")
    return found


def elements(tensor: Tensor) -> int:
    """Return the number of elements."""
    return prod(tensor.shape)
