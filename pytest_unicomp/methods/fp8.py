"""Store weights as 8-bit floats and round activations to 8-bit floats token by token, without data (Micikevicius et al. 2022, arXiv 2209.05433)."""

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
class Fp8Dynamic(OneShotMethod):
    """Weights as FP8 E4M3 with one scale per output channel (max|w| / 448); activations the same with one scale per token, found as they come.

    llm-compressor's scheme FP8_DYNAMIC, the fast path of accelerators since compute capability 8.9.
    """

    scheme: str = "FP8_DYNAMIC"
    method: ClassVar[str] = "fp8"
    family: ClassVar[Family] = "quantization"

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's plain quantization with this scheme."""
        from llmcompressor.modifiers.quantization import QuantizationModifier

        return [QuantizationModifier(targets="Linear", scheme=self.scheme, ignore=other_linear_layers(model))]


RECIPES = {"fp8-dynamic": Fp8Dynamic()}
