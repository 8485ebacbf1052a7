"""Scale the channels that matter before rounding to 4 bits, with llm-compressor (AWQ: Lin et al. 2023, arXiv 2306.00978)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.group_quantization import GroupQuantization, weight_scheme
from pytest_unicomp.methods.smoothing import awq_mappings, unknown_norms
from pytest_unicomp.methods.support import has_experts

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Awq(GroupQuantization):
    """Search s_j = a_j^r / w_j^(1 - r), r in 0..1, for the lowest output error; then asymmetric integers with scale and zero point per group.

    a_j is the mean |input| of channel j over the calibration tokens, w_j its mean share of the largest weight of a group. `grid` values of r
    are tried for each layer; with `duo` False only activations count. With `symmetric` there are no zero points: so it is on mixtures of
    experts, whose zero points transformers does not load.
    """

    grid: int = 20
    duo: bool = True
    symmetric: bool = False
    method: ClassVar[str] = "awq"
    calibrated: ClassVar[bool] = True

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse an unknown wiring of norms and Linear layers, and what every method refuses."""
        return super().refusal(config) or (None if has_experts(config) else unknown_norms(config))

    def settings(self) -> dict[str, Any]:
        """Return all fields, `symmetric` only if it is set."""
        return {name: value for name, value in super().settings().items() if name != "symmetric" or value}

    def for_model(self, config: Mapping[str, Any]) -> Self:
        """Return the method with the group that the model takes, and symmetric if it has experts."""
        return replace(super().for_model(config), symmetric=self.symmetric or has_experts(config))

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's AWQ, which scales, and its plain quantization."""
        from llmcompressor.modifiers.quantization import QuantizationModifier
        from llmcompressor.modifiers.transform.awq import AWQMapping, AWQModifier

        mappings = [AWQMapping(smooth, balance) for smooth, balance in awq_mappings(model)]
        scheme = weight_scheme(self.bits, self.group, symmetric=self.symmetric)
        return [
            AWQModifier(mappings=mappings, n_grid=self.grid, duo_scaling=self.duo),
            QuantizationModifier(config_groups=scheme, ignore=other_linear_layers(model)),
        ]


RECIPES = {"awq-w4a16": Awq()}
