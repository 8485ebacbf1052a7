"""Move outliers from activations into weights, then quantize both to 8-bit integers (SmoothQuant: Xiao et al. 2022, arXiv 2211.10438)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import Calibration, Progress
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.compressor import apply, save
from pytest_unicomp.methods.decoder import other_linear_layers
from pytest_unicomp.methods.quiet import quiet
from pytest_unicomp.methods.smoothing import norm_mappings, unknown_norms
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.support import has_experts, unsupported
from pytest_unicomp.methods.tokens import encode
from pytest_unicomp.methods.zeros import zeros_kept


@dataclass(frozen=True)
class SmoothQuant:
    """Divide the inputs of attention and MLP by s_j = a_j^strength / w_j^(1 - strength) and multiply the weights by it, then GPTQ to int8.

    a_j is the range of input j over the calibration tokens, w_j twice the largest |weight| that reads it. Weights get one scale per output
    channel, activations one per token, found as they come (scheme W8A8). Two runs of llm-compressor, as its own example does in one: there
    GPTQ would gather its Hessian from inputs before they are smoothed, for weights after.
    """

    strength: float = 0.8
    block: int = 128
    dampening: float = 0.01
    scheme: str = "W8A8"
    method: ClassVar[str] = "smoothquant"
    family: ClassVar[Family] = "quantization"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "compressed_tensors", "transformers")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Unknown wiring of norms and Linear layers, experts, and what no pruning or quantization can do."""
        if has_experts(config):
            return "transformers cannot load experts in 8-bit integers"
        return unsupported(config) or unknown_norms(config)

    def settings(self) -> dict[str, Any]:
        """Smoothing strength, block size, dampening and scheme."""
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
        """Write the checkpoint in compressed-tensors format "int-quantized".

        Raises UnicompError where `source` is quantized already and where calibration text is missing or too short.
        """
        documents = encode(source, calibration, recipe=self.method)
        model = load_model(source)
        progress(f"{self.method}: smoothing with {len(documents)} calibration documents")
        apply(self.smoothing(model), model, source, documents=documents, seed=seed)
        progress(f"{self.method}: {self.scheme}")
        with quiet():
            from llmcompressor.modifiers.gptq import GPTQModifier

            modifier = GPTQModifier(
                targets="Linear",
                scheme=self.scheme,
                ignore=other_linear_layers(model),
                block_size=self.block,
                dampening_frac=self.dampening,
            )
        with zeros_kept(model):
            apply(modifier, model, source, documents=documents, seed=seed)
        save(model, source, destination)

    def smoothing(self, model: Any) -> Any:
        """Return llm-compressor's smoothing modifier for the norms in the blocks of `model`."""
        with quiet():
            from llmcompressor.modifiers.transform.smoothquant import SmoothQuantModifier

            mappings = [[linear, norm] for norm, linear in norm_mappings(model)]
            return SmoothQuantModifier(smoothing_strength=self.strength, mappings=mappings)


RECIPES = {"smoothquant-w8a8": SmoothQuant()}
