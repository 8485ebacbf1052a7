"""Drop the contiguous block of decoder layers that costs least and distil the rest from the original (Minitron-Depth, arXiv 2408.11796)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.methods.decoder import block_list
from pytest_unicomp.methods.depth import cut_copy, qualities_without, quality
from pytest_unicomp.methods.distillation_text import Text
from pytest_unicomp.methods.minitron import Minitron

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class MinitronDepth(Minitron):
    """Drop one block of floor(`share` x layers) layers, at least one: the block whose removal gives the lowest loss or, by `judge`, the highest accuracy.

    The learning rate is that of UniComp's own short distillation, half of NVIDIA's, so that few steps forget less.
    """

    learning_rate: float = 5e-5
    share: float = 0.5
    judge: str = "loss"
    method: ClassVar[str] = "minitron-depth"

    def choose(self, teacher: PreTrainedModel, text: Text) -> dict[str, Any]:
        """Return first and last dropped layer and the quality of every possible cut; raise UnicompError for an unknown `judge`."""
        if self.judge not in ("loss", "accuracy"):
            raise UnicompError(f"unicomp: {self.method} was given judge {self.judge!r}; expected loss or accuracy.")
        layers = len(block_list(teacher)[1])
        count = max(1, math.floor(self.share * layers))
        if count >= layers:
            raise UnicompError(f"unicomp: {self.method} cannot drop {count} of {layers} layers; choose a smaller share.")
        rows = text.rows[: self.judged]
        cuts = qualities_without(teacher, count, rows)
        start = min(range(len(cuts)), key=lambda at: cuts[at].loss if self.judge == "loss" else -cuts[at].accuracy)
        return {
            "summary": f"drop layers {start} to {start + count - 1} of {layers}",
            "dropped": [start, start + count - 1],
            "whole": asdict(quality(teacher, rows)),
            "cuts": [asdict(cut) for cut in cuts],
        }

    def cut(self, teacher: PreTrainedModel, choice: Mapping[str, Any], scratch: Path) -> PreTrainedModel:
        """Return a float32 copy of the teacher without the chosen layers, the others renumbered."""
        first, last = choice["dropped"]
        return cut_copy(teacher, first, last - first + 1, scratch)


RECIPES = {"minitron-depth": MinitronDepth()}
