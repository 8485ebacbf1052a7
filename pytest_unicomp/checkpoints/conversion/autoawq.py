"""Converts AutoAWQ checkpoints to compressed-tensors with that library's own converter, given the names of the packed layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.formats import QuantizedLayer
from pytest_unicomp.checkpoints.formats.awq import declared

if TYPE_CHECKING:
    from compressed_tensors.entrypoints.convert import Converter


def converter(quantization: Mapping[str, Any], layers: list[QuantizedLayer]) -> Converter:
    """Return the converter for these layers; raises UsageProblem for other than 4 bits and for scales that are not per group."""
    wanted = declared(quantization)
    if wanted.bits != 4 or wanted.group is None:
        raise UsageProblem(
            f"unicomp: this AutoAWQ checkpoint has {wanted.bits} bits in groups of {wanted.group or 'all inputs'}; "
            "only 4 bits in groups are converted: quantize it so, or serve it and give the server's URL."
        )
    from compressed_tensors.entrypoints.convert import AutoAWQConverter

    # By name: left to itself the converter takes every Linear layer but lm_head for a packed one.
    return AutoAWQConverter(
        bits=4,
        group_size=wanted.group,
        zero_point=all("qzeros" in layer.parts for layer in layers),
        ignore=(),
        targets=[layer.name for layer in layers],
    )
