"""Scale the channels that matter before rounding to 4 bits, with llm-compressor (AWQ: Lin et al. 2023, arXiv 2306.00978)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import Calibration, Progress
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.compressor import compress_with
from pytest_unicomp.methods.decoder import other_linear_layers, require_divisible
from pytest_unicomp.methods.pinning import no_pinning_without_accelerator
from pytest_unicomp.methods.quiet import quiet
from pytest_unicomp.methods.smoothing import awq_mappings, unknown_norms
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.support import has_experts, unsupported
from pytest_unicomp.methods.tokens import encode


@dataclass(frozen=True)
class Awq:
    """Search s_j = a_j^r / w_j^(1 - r), r in 0..1, for the lowest output error; then asymmetric integers with scale and zero point per group.

    a_j is the mean |input| of channel j over the calibration tokens, w_j its mean share of the largest weight of a group. `grid` values of r
    are tried for each layer; with `duo` False only activations count.
    """

    bits: int = 4
    group: int = 128
    grid: int = 20
    duo: bool = True
    method: ClassVar[str] = "awq"
    family: ClassVar[Family] = "quantization"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "compressed_tensors", "transformers")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Unknown wiring of norms and Linear layers, experts, and what no pruning or quantization can do."""
        if has_experts(config):
            return "transformers loads experts without the zero points that AWQ writes"
        return unsupported(config) or unknown_norms(config)

    def settings(self) -> dict[str, Any]:
        """Bits, group size, number of exponents tried, and whether weights enter the scales."""
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
        """Write the checkpoint packed in compressed-tensors format.

        Raises UnicompError where `source` is quantized already, where `group` does not divide the inputs of a layer, and where calibration
        text is missing or too short.
        """
        documents = encode(source, calibration, recipe=self.method)
        model = load_model(source)
        require_divisible(model, self.group, recipe=f"{self.method} {self.bits} bit")
        progress(f"{self.method}: {len(documents)} calibration documents")
        with quiet():
            from llmcompressor.modifiers.quantization import QuantizationModifier
            from llmcompressor.modifiers.transform.awq import AWQMapping, AWQModifier

            weights = {"num_bits": self.bits, "type": "int", "symmetric": False, "strategy": "group", "group_size": self.group}
            mappings = [AWQMapping(smooth, balance) for smooth, balance in awq_mappings(model)]
            modifiers = [
                AWQModifier(mappings=mappings, n_grid=self.grid, duo_scaling=self.duo),
                QuantizationModifier(
                    config_groups={"linear": {"targets": ["Linear"], "weights": weights}}, ignore=other_linear_layers(model)
                ),
            ]
            with no_pinning_without_accelerator():
                compress_with(modifiers, model, source, destination, documents=documents, seed=seed)


RECIPES = {"awq-w4a16": Awq()}
