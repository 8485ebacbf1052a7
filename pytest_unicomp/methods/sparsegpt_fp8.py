"""Prune to 2:4 with SparseGPT, then store what is left as 8-bit floats: the checkpoint behind UniComp's 2:4 speed-up (arXiv 2602.09130)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.fp8 import Fp8
from pytest_unicomp.methods.one_shot import OneShotMethod, OneShotRun
from pytest_unicomp.methods.sparsegpt import SparseGpt
from pytest_unicomp.methods.sparsity_pattern import pattern_length

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class SparseGptFp8(OneShotMethod):
    """SparseGPT with `pattern`, then FP8 with one scale per output channel and per token; a zero stays a zero in FP8.

    Two runs of llm-compressor: in a single one the scales would be those of the unpruned weights, which the corrections may exceed.
    """

    sparsity: float = 0.5
    pattern: str = "2:4"
    block: int = 128
    dampening: float = 0.01
    scheme: str = "FP8_DYNAMIC"
    method: ClassVar[str] = "sparsegpt-fp8"
    family: ClassVar[Family] = "pruning"
    calibrated: ClassVar[bool] = True

    @property
    def multiple(self) -> int:
        """The M of a pattern N:M."""
        return pattern_length(self.pattern)

    def runs(self, model: PreTrainedModel) -> Sequence[OneShotRun]:
        """Return the pruning, which reads the calibration documents, then the quantization, which reads none."""
        pruning = SparseGpt(self.sparsity, self.pattern, self.block, self.dampening).modifiers(model)
        return [OneShotRun(pruning, "pruning", True), OneShotRun(Fp8(self.scheme).modifiers(model), "8-bit floats", False)]


RECIPES = {"sparsegpt-2of4-fp8": SparseGptFp8()}
