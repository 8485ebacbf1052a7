"""Quantize column by column and let the rest absorb each error, with llm-compressor (GPTQ: Frantar et al. 2022, arXiv 2210.17323)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import Calibration, Progress
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.compressor import apply, save
from pytest_unicomp.methods.decoder import other_linear_layers, require_divisible
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.quiet import quiet
from pytest_unicomp.methods.rtn import weight_scheme
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.support import unsupported
from pytest_unicomp.methods.tokens import encode
from pytest_unicomp.methods.zeros import zeros_kept


@dataclass(frozen=True)
class Gptq:
    """Symmetric integers of `bits` bits per `group` inputs; the Hessian 2 X X^T is damped by `dampening` x its mean diagonal.

    Columns go in blocks of `block`; with `order` "static" the columns of largest Hessian diagonal come first while groups stay in place.
    """

    bits: int = 4
    group: int = 128
    block: int = 128
    dampening: float = 0.01
    order: str = "static"
    method: ClassVar[str] = "gptq"
    family: ClassVar[Family] = "quantization"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "compressed_tensors", "transformers")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """What no pruning or quantization can do (`unsupported`)."""
        return unsupported(config)

    def settings(self) -> dict[str, Any]:
        """Bits, group size, block size, dampening and column order."""
        return asdict(self)

    def compress(
        self,
        source: Path,
        destination: Path,
        calibration: Calibration | None,
        *,
        seed: int,
        device: str,
        progress: Progress,
        scratch: Path,
    ) -> None:
        """Write the checkpoint packed in compressed-tensors format; weights that pruning had set to zero stay zero.

        Raises UnicompError where `source` is quantized already, where `group` does not divide the inputs of a layer, and where calibration
        text is missing or too short.
        """
        documents = encode(source, calibration, recipe=self.method)
        model = split_experts(load_model(source))
        require_divisible(model, self.group, recipe=f"{self.method} {self.bits} bit")
        progress(f"{self.method}: {len(documents)} calibration documents")
        with quiet():
            from llmcompressor.modifiers.gptq import GPTQModifier

            modifier = GPTQModifier(
                config_groups=weight_scheme(self.bits, self.group),
                ignore=other_linear_layers(model),
                block_size=self.block,
                dampening_frac=self.dampening,
                actorder=self.order,
            )
        with zeros_kept(model):
            apply(modifier, model, source, documents=documents, seed=seed)
        save(model, source, destination)


RECIPES = {"gptq-w8a16": Gptq(bits=8), "gptq-w4a16": Gptq()}
