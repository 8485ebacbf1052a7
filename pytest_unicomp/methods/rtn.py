"""Round weights to the nearest of a few integers, group by group, without data: the plainest quantization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.group_quantization import GroupQuantization, weight_scheme

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class RoundToNearest(GroupQuantization):
    """Symmetric integers of `bits` bits (2 to 8), one scale per `group` consecutive inputs: q = round(w / s), s = 2 max|w| / (2^bits - 1).

    q is clamped to [-2^(bits-1), 2^(bits-1) - 1]; formula of compressed-tensors (quantization/utils/helpers.py, calculate_qparams).
    """

    method: ClassVar[str] = "rtn"

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's plain quantization."""
        from llmcompressor.modifiers.quantization import QuantizationModifier

        return [QuantizationModifier(config_groups=weight_scheme(self.bits, self.group), ignore=other_linear_layers(model))]


RECIPES = {"rtn-w8a16": RoundToNearest(bits=8), "rtn-w4a16": RoundToNearest(bits=4), "rtn-w3a16": RoundToNearest(bits=3)}
