"""Prune by weight times input norm, one calibration pass per block (Wanda: Sun et al. 2023, arXiv 2306.11695), with llm-compressor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.decoder import block_classes, other_linear_layers
from pytest_unicomp.methods.one_shot import OneShotMethod
from pytest_unicomp.methods.sparsity_pattern import pattern_length

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Wanda(OneShotMethod):
    """Per output row, zero the weights with the lowest |W_ij| x ||X_j||_2; the norm is over all calibration tokens.

    `pattern` is "0:0" for the lowest share `sparsity` of each row, or "2:4" for the two lowest of every four consecutive inputs.
    """

    sparsity: float = 0.5
    pattern: str = "0:0"
    method: ClassVar[str] = "wanda"
    family: ClassVar[Family] = "pruning"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "transformers")

    @property
    def multiple(self) -> int:
        """The M of a pattern N:M."""
        return pattern_length(self.pattern)

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's Wanda."""
        from llmcompressor.modifiers.pruning import WandaPruningModifier

        return [
            WandaPruningModifier(
                sparsity=self.sparsity,
                mask_structure=self.pattern,
                sequential_update=True,
                targets=block_classes(model),
                ignore=other_linear_layers(model),
            )
        ]


RECIPES = {"wanda-50": Wanda(), "wanda-2of4": Wanda(pattern="2:4")}
