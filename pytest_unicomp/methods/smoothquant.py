"""Move outliers from activations into weights, then quantize both to 8-bit integers (SmoothQuant: Xiao et al. 2022, arXiv 2211.10438)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.one_shot import OneShotMethod, OneShotRun
from pytest_unicomp.methods.smoothing import norm_mappings, unknown_norms
from pytest_unicomp.methods.support import has_experts

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class SmoothQuant(OneShotMethod):
    """Divide the inputs of attention and MLP by s_j = a_j^strength / w_j^(1 - strength) and multiply the weights by it, then GPTQ to int8.

    a_j is the range of input j over the calibration tokens, w_j twice the largest |weight| that reads it. Weights get one scale per output
    channel, activations one per token, found as they come (scheme W8A8). Two runs of llm-compressor, as its own example does in one: there
    GPTQ would gather its Hessian from inputs before they are smoothed, for weights after.
    """

    strength: float = 0.8
    block: int = 128
    dampening: float = 0.01
    scheme: str = "W8A8"
    method: ClassVar[str] = "smoothquant"
    family: ClassVar[Family] = "quantization"
    calibrated: ClassVar[bool] = True

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse experts, an unknown wiring of norms and Linear layers, and what every method refuses."""
        if has_experts(config):
            return "transformers cannot load experts in 8-bit integers"
        return super().refusal(config) or unknown_norms(config)

    def runs(self, model: PreTrainedModel) -> Sequence[OneShotRun]:
        """Return the smoothing, then llm-compressor's GPTQ with the scheme."""
        from llmcompressor.modifiers.gptq import GPTQModifier

        quantization = GPTQModifier(
            targets="Linear",
            scheme=self.scheme,
            ignore=other_linear_layers(model),
            block_size=self.block,
            dampening_frac=self.dampening,
        )
        return [OneShotRun([self.smoothing(model)], "smoothing", True), OneShotRun([quantization], self.scheme, True)]

    def smoothing(self, model: PreTrainedModel) -> Any:
        """Return llm-compressor's smoothing modifier for the norms in the blocks of `model`."""
        from llmcompressor.modifiers.transform.smoothquant import SmoothQuantModifier

        mappings = [[linear, norm] for norm, linear in norm_mappings(model)]
        return SmoothQuantModifier(smoothing_strength=self.strength, mappings=mappings)


RECIPES = {"smoothquant-w8a8": SmoothQuant()}
