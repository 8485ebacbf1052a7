"""Prune to 2:4 with SparseGPT, then store what is left as 8-bit floats: the checkpoint behind UniComp's 2:4 speed-up (arXiv 2602.09130)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import Calibration, Progress
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.compressor import apply, save
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.fp8 import Fp8Dynamic
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.sparsegpt import SparseGpt
from pytest_unicomp.methods.support import unsupported
from pytest_unicomp.methods.tokens import encode


@dataclass(frozen=True)
class SparseGptFp8:
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
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "compressed_tensors", "transformers")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """What no pruning or quantization can do (`unsupported`)."""
        return unsupported(config)

    def settings(self) -> dict[str, Any]:
        """Share of zeros, pattern, block size, dampening and the scheme of the floats."""
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
        """Write the checkpoint in compressed-tensors format "float-quantized".

        Raises UnicompError where `source` is quantized already, where the pattern does not divide a layer's inputs, and where calibration
        text is missing or too short.
        """
        documents = encode(source, calibration, recipe=self.method)
        model = split_experts(load_model(source))
        progress(f"{self.method}: pruning with {len(documents)} calibration documents")
        pruning = SparseGpt(self.sparsity, self.pattern, self.block, self.dampening)
        apply(pruning.modifier(model), model, source, documents=documents, seed=seed)
        progress(f"{self.method}: 8-bit floats")
        apply(Fp8Dynamic(self.scheme).modifier(model), model, source, seed=seed)
        save(model, source, destination)


RECIPES = {"sparsegpt-2of4-fp8": SparseGptFp8()}
