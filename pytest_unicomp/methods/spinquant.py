"""Rotate hidden states by Hadamard matrices, then round to 4 bits, with llm-compressor (SpinQuant: Liu et al. 2024, arXiv 2405.16406)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.group_quantization import GroupQuantization, weight_scheme
from pytest_unicomp.methods.layer_inputs import head_size
from pytest_unicomp.methods.one_shot import OneShotRun

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Blocks of RMS norms and separate projections, to which the rotations are invariant; a test proves each.
ROTATED = ("llama", "mistral", "qwen2", "qwen3")


@dataclass(frozen=True)
class SpinQuant(GroupQuantization):
    """Symmetric integers of `bits` bits per `group` inputs, after the rotations R1 (residual stream) and R2 (values, per head).

    Both are multiplied into the weights, so that the artifact is an ordinary checkpoint. They are Hadamard matrices, not learned ones; R1 is
    block-diagonal, in blocks of the largest power of two that divides the hidden size.
    """

    method: ClassVar[str] = "spinquant"

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse what is not laid out as Llama, heads without a Hadamard matrix, and what every method refuses."""
        if reason := super().refusal(config):
            return reason
        if config.get("model_type") not in ROTATED:
            return f"the rotations are known to leave only {', '.join(ROTATED)} unchanged"
        size = head_size(config)
        return f"its heads of {size} have no Hadamard matrix, whose sizes are powers of two" if power_of_two(size) != size else None

    def runs(self, model: PreTrainedModel) -> Sequence[OneShotRun]:
        """Return the rotation, then llm-compressor's plain quantization."""
        from llmcompressor.modifiers.quantization import QuantizationModifier

        rounding = QuantizationModifier(config_groups=weight_scheme(self.bits, self.group), ignore=other_linear_layers(model))
        return [OneShotRun([self.rotation(model)], "rotation", False), OneShotRun([rounding], f"{self.bits} bits", False)]

    def rotation(self, model: PreTrainedModel) -> Any:
        """Return llm-compressor's rotation without its centring of the embeddings.

        Subtracting the mean of each embedding changes nothing ahead of layer norms, which subtract it anyway; RMS norms do not.
        """
        from llmcompressor.modifiers.transform.spinquant import SpinQuantModifier

        class Rotation(SpinQuantModifier):  # type: ignore[misc]
            def _center_embeddings(self, model: PreTrainedModel) -> None:
                return None

        width: int = model.config.hidden_size
        return Rotation(rotations=["R1", "R2"], transform_type="hadamard", transform_block_size=power_of_two(width))


def power_of_two(size: int) -> int:
    """Return the largest power of two that divides `size`."""
    return size & -size


RECIPES = {"spinquant-w4a16": SpinQuant()}
