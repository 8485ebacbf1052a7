"""Prune column by column and let the rest absorb each error, with llm-compressor (SparseGPT: Frantar & Alistarh 2023, arXiv 2301.00774)."""

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
class SparseGpt(OneShotMethod):
    """Within blocks of `block` columns, zero the weights of lowest w^2 / [H^-1]_jj^2 and correct the columns to their right.

    H = 2 X X^T over the calibration tokens, damped by `dampening` x its mean diagonal; [H^-1]_jj is the diagonal of the Cholesky factor.
    `pattern` is "0:0" for the share `sparsity` of each block, or "2:4" for two of every four consecutive inputs of each row.
    """

    sparsity: float = 0.5
    pattern: str = "0:0"
    block: int = 128
    dampening: float = 0.01
    method: ClassVar[str] = "sparsegpt"
    family: ClassVar[Family] = "pruning"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "transformers")

    @property
    def multiple(self) -> int:
        """The M of a pattern N:M."""
        return pattern_length(self.pattern)

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's SparseGPT."""
        from llmcompressor.modifiers.pruning import SparseGPTModifier

        return [
            SparseGPTModifier(
                sparsity=self.sparsity,
                mask_structure=self.pattern,
                block_size=self.block,
                dampening_frac=self.dampening,
                sequential_update=True,
                targets=block_classes(model),
                ignore=other_linear_layers(model),
            )
        ]


RECIPES = {"sparsegpt-50": SparseGpt(), "sparsegpt-2of4": SparseGpt(pattern="2:4")}
