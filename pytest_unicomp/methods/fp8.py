"""Store weights as 8-bit floats and round activations to 8-bit floats token by token, without data (Micikevicius et al. 2022, arXiv 2209.05433)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import Calibration, Progress
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.compressor import compress_with
from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.quiet import quiet
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.support import unsupported


@dataclass(frozen=True)
class Fp8Dynamic:
    """Weights as FP8 E4M3 with one scale per output channel (max|w| / 448); activations the same with one scale per token, found as they come.

    llm-compressor's scheme FP8_DYNAMIC, the fast path of accelerators since compute capability 8.9.
    """

    scheme: str = "FP8_DYNAMIC"
    method: ClassVar[str] = "fp8"
    family: ClassVar[Family] = "quantization"
    calibrated: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "compressed_tensors", "transformers")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """What no pruning or quantization can do (`unsupported`)."""
        return unsupported(config)

    def settings(self) -> dict[str, Any]:
        """Llm-compressor's name of the scheme."""
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
        """Write the checkpoint in compressed-tensors format "float-quantized"; raises UnicompError where `source` is quantized already."""
        model = split_experts(load_model(source))
        progress(f"{self.method}: weights and activations in 8-bit floats")
        compress_with(self.modifier(model), model, source, destination, seed=seed)

    def modifier(self, model: Any) -> Any:
        """Return llm-compressor's modifier with this scheme for the Linear layers in the blocks of `model`."""
        with quiet():
            from llmcompressor.modifiers.quantization import QuantizationModifier

            return QuantizationModifier(targets="Linear", scheme=self.scheme, ignore=other_linear_layers(model))


RECIPES = {"fp8-dynamic": Fp8Dynamic()}
