"""Prune column by column and let the rest absorb each error, with llm-compressor (SparseGPT: Frantar & Alistarh 2023, arXiv 2301.00774)."""

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
class SparseGpt:
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

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """What no pruning or quantization can do (`unsupported`)."""
        return unsupported(config)

    def settings(self) -> dict[str, Any]:
        """Share of zeros, pattern, block size and dampening."""
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
        progress(f"{self.method}: {len(documents)} calibration documents")
        compress_with(self.modifier(model), model, source, destination, documents=documents, seed=seed)

    def modifier(self, model: Any) -> Any:
        """Return llm-compressor's modifier with these settings for the Linear layers in the blocks of `model`."""
        if self.pattern != "0:0":
            require_divisible(model, int(self.pattern.split(":")[1]), recipe=f"{self.method} {self.pattern}")
        with quiet():
            from llmcompressor.modifiers.pruning import SparseGPTModifier

            return SparseGPTModifier(
                sparsity=self.sparsity,
                mask_structure=self.pattern,
                block_size=self.block,
                dampening_frac=self.dampening,
                sequential_update=True,
                targets=block_classes(model),
                ignore=other_linear_layers(model),
            )


RECIPES = {"sparsegpt-50": SparseGpt(), "sparsegpt-2of4": SparseGpt(pattern="2:4")}
