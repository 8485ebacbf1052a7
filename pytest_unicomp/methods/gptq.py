"""Quantize column by column and let the rest absorb each error, with llm-compressor (GPTQ: Frantar et al. 2022, arXiv 2210.17323)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.group_quantization import GroupQuantization, weight_scheme

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Gptq(GroupQuantization):
    """Symmetric integers of `bits` bits per `group` inputs; the Hessian 2 X X^T is damped by `dampening` x its mean diagonal.

    Columns go in blocks of `block`; with `order` "static" the columns of largest Hessian diagonal come first while groups stay in place.
    """

    block: int = 128
    dampening: float = 0.01
    order: str = "static"
    method: ClassVar[str] = "gptq"
    calibrated: ClassVar[bool] = True

    def modifiers(self, model: PreTrainedModel) -> Sequence[Any]:
        """Return llm-compressor's GPTQ."""
        from llmcompressor.modifiers.gptq import GPTQModifier

        return [
            GPTQModifier(
                config_groups=weight_scheme(self.bits, self.group),
                ignore=other_linear_layers(model),
                block_size=self.block,
                dampening_frac=self.dampening,
                actorder=self.order,
            )
        ]


RECIPES = {"gptq-w8a16": Gptq(bits=8), "gptq-w4a16": Gptq()}
