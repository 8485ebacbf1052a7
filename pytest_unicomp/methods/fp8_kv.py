"""Store the KV cache in 8-bit floats with scales from calibration data; weights stay as they are (Hooper et al. 2024, arXiv 2401.18079)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.one_shot import OneShotMethod
from pytest_unicomp.methods.support import has_experts

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Fp8KvCache(OneShotMethod):
    """FP8 E4M3 keys and values, one static scale each per attention layer: max|x| / 448 over the calibration tokens."""

    method: ClassVar[str] = "fp8-kv"
    family: ClassVar[Family] = "quantization"
    calibrated: ClassVar[bool] = True

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse experts, a configuration without `num_key_value_heads`, and what every method refuses."""
        if has_experts(config):
            return "transformers cannot load experts from a checkpoint whose only scheme is that of its KV cache"
        if "num_key_value_heads" not in config:
            return "compressed-tensors needs num_key_value_heads in config.json, which has none"
        return super().refusal(config)

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's quantization of the KV cache alone."""
        from llmcompressor.modifiers.quantization import QuantizationModifier

        scheme = {"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False, "symmetric": True}
        return [QuantizationModifier(kv_cache_scheme=scheme, ignore=other_linear_layers(model))]


RECIPES = {"fp8-kv": Fp8KvCache()}
