"""The base class of the methods that are one of llm-compressor's named schemes, rounded to nearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.one_shot import OneShotMethod

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class PresetScheme(OneShotMethod):
    """Every Linear layer in `scheme`, a name of compressed-tensors (quantization/quant_scheme.py, PRESET_SCHEMES)."""

    scheme: str
    family: ClassVar[Family] = "quantization"

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's plain quantization with the scheme."""
        from llmcompressor.modifiers.quantization import QuantizationModifier

        return [QuantizationModifier(targets="Linear", scheme=self.scheme, ignore=other_linear_layers(model))]
