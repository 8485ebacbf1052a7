"""Prune by weight times input norm, one calibration pass per block (Wanda: Sun et al. 2023, arXiv 2306.11695), with llm-compressor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import Calibration, Progress
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.compressor import compress_with
from pytest_unicomp.methods.decoder import block_classes, other_linear_layers, require_divisible
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.quiet import quiet
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.support import unsupported
from pytest_unicomp.methods.tokens import encode


@dataclass(frozen=True)
class Wanda:
    """Per output row, zero the weights with the lowest |W_ij| x ||X_j||_2, where the norm runs over all calibration tokens.

    `pattern` is "0:0" for the lowest share `sparsity` of each row, or "2:4" for the two lowest of every four consecutive inputs.
    """

    sparsity: float = 0.5
    pattern: str = "0:0"
    method: ClassVar[str] = "wanda"
    family: ClassVar[Family] = "pruning"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "transformers")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """What no pruning or quantization can do (`unsupported`)."""
        return unsupported(config)

    def settings(self) -> dict[str, Any]:
        """Share of zeros and pattern."""
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
        """Write the pruned checkpoint, dense on disk and in the reference's dtype.

        Raises UnicompError where `source` is quantized already, where the pattern does not divide a layer's inputs, and where calibration
        text is missing or too short.
        """
        documents = encode(source, calibration, recipe=self.method)
        model = split_experts(load_model(source))
        if self.pattern != "0:0":
            require_divisible(model, int(self.pattern.split(":")[1]), recipe=f"{self.method} {self.pattern}")
        progress(f"{self.method}: {len(documents)} calibration documents")
        with quiet():
            from llmcompressor.modifiers.pruning import WandaPruningModifier

            modifier = WandaPruningModifier(
                sparsity=self.sparsity,
                mask_structure=self.pattern,
                sequential_update=True,
                targets=block_classes(model),
                ignore=other_linear_layers(model),
            )
        compress_with(modifier, model, source, destination, documents=documents, seed=seed)


RECIPES = {"wanda-50": Wanda(), "wanda-2of4": Wanda(pattern="2:4")}
