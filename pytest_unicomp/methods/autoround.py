"""Learn how to round and clip each weight by signed gradient descent, block by block, with Intel's auto-round (Cheng et al. 2023, arXiv 2309.05516)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.group_quantization import GroupQuantization, weight_scheme

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class AutoRound(GroupQuantization):
    """Symmetric integers of `bits` bits per `group` inputs; `iterations` steps per decoder block on `batch` documents at a time.

    The steps lower the squared error of the block's output; 200 steps are auto-round's default.
    """

    iterations: int = 200
    batch: int = 8
    method: ClassVar[str] = "autoround"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "compressed_tensors", "transformers", "auto_round")

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's AutoRound."""
        from llmcompressor.modifiers.autoround import AutoRoundModifier

        return [
            AutoRoundModifier(
                config_groups=weight_scheme(self.bits, self.group),
                ignore=other_linear_layers(model),
                iters=self.iterations,
                batch_size=self.batch,
                enable_torch_compile=False,
            )
        ]


RECIPES = {"autoround-w4a16": AutoRound()}
