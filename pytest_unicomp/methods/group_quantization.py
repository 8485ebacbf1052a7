"""The base class of weight-only integers with a scale per group of inputs, and the group size that a model's widths allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.layer_inputs import not_divided
from pytest_unicomp.methods.one_shot import OneShotMethod

# The groups that vLLM's Marlin kernels and AutoAWQ read, besides one scale per output channel.
GROUPS = (128, 64, 32)
PER_CHANNEL = -1


@dataclass(frozen=True)
class GroupQuantization(OneShotMethod):
    """Integers of `bits` bits, a scale per `group` consecutive inputs of an output channel; -1 is one scale for the whole channel.

    A model whose widths `group` does not divide gets the next smaller group that divides them all, else -1 (`for_model`).
    """

    bits: int = 4
    group: int = 128
    family: ClassVar[Family] = "quantization"

    @property
    def multiple(self) -> int:
        """The group size."""
        return max(1, self.group)

    def for_model(self, config: Mapping[str, Any]) -> Self:
        """Return the method with the largest group that every quantized layer of the model takes."""
        return replace(self, group=fitting_group(config, self.group) or PER_CHANNEL)


def fitting_group(config: Mapping[str, Any], wanted: int) -> int | None:
    """Return `wanted` if it divides the inputs of all Linear layers, else the largest of 128, 64 and 32 below it that does, else None."""
    if wanted == PER_CHANNEL:
        return wanted
    sizes = (wanted, *(size for size in GROUPS if size < wanted))
    return next((size for size in sizes if not_divided(config, size) is None), None)


def weight_scheme(bits: int, group: int, *, symmetric: bool = True) -> dict[str, Any]:
    """Return llm-compressor's `config_groups` for weight-only integers on Linear layers; activations keep their dtype.

    One scale for `group` consecutive inputs of an output channel (-1: for all), and a zero point too unless `symmetric`.
    """
    weights: dict[str, Any] = {"num_bits": bits, "type": "int", "symmetric": symmetric}
    weights |= {"strategy": "channel"} if group == PER_CHANNEL else {"strategy": "group", "group_size": group}
    return {"linear": {"targets": ["Linear"], "weights": weights}}
