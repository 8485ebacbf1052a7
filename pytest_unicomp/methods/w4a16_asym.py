"""Round weights to 4-bit integers with zero points, without data: the plain counterpart of AWQ's format (Jacob et al. 2017, arXiv 1712.05877)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.group_quantization import GroupQuantization, weight_scheme
from pytest_unicomp.methods.support import has_experts

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class AsymmetricRounding(GroupQuantization):
    """q = round(w / s) + z with s = (max w - min w) / (2^bits - 1) per `group` inputs, both ends taken to include 0 (scheme W4A16_ASYM)."""

    method: ClassVar[str] = "w4a16-asym"

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse experts, and what every method refuses."""
        if has_experts(config):
            return "transformers loads experts without the zero points that it writes; rtn-w4a16 has none"
        return super().refusal(config)

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's plain quantization."""
        from llmcompressor.modifiers.quantization import QuantizationModifier

        scheme = weight_scheme(self.bits, self.group, symmetric=False)
        return [QuantizationModifier(config_groups=scheme, ignore=other_linear_layers(model))]


RECIPES = {"w4a16-asym": AsymmetricRounding()}
