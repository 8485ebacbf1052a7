"""Round weights to the nearest of a few integers, group by group, without data: the plainest quantization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.one_shot import OneShotMethod
from pytest_unicomp.methods.weight_scheme import weight_scheme

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class RoundToNearest(OneShotMethod):
    """Symmetric integers of `bits` bits (2 to 8), one scale per `group` consecutive inputs: q = round(w / s), s = 2 max|w| / (2^bits - 1).

    q is clamped to [-2^(bits-1), 2^(bits-1) - 1]; formula of compressed-tensors (quantization/utils/helpers.py, calculate_qparams).
    """

    bits: int = 4
    group: int = 128
    method: ClassVar[str] = "rtn"
    family: ClassVar[Family] = "quantization"

    @property
    def multiple(self) -> int:
        """The group size."""
        return self.group

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's plain quantization."""
        from llmcompressor.modifiers.quantization import QuantizationModifier

        return [QuantizationModifier(config_groups=weight_scheme(self.bits, self.group), ignore=other_linear_layers(model))]


RECIPES = {"rtn-w8a16": RoundToNearest(bits=8), "rtn-w4a16": RoundToNearest(bits=4), "rtn-w3a16": RoundToNearest(bits=3)}
