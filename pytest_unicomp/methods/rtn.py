"""Round weights to the nearest of a few integers, group by group, without data: the plainest quantization."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import Calibration, Progress
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.compressor import compress_with
from pytest_unicomp.methods.decoder import other_linear_layers, require_divisible
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.quiet import quiet
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.support import unsupported


@dataclass(frozen=True)
class RoundToNearest:
    """Symmetric integers of `bits` bits (2 to 8), one scale per `group` consecutive inputs: q = round(w / s), s = 2 max|w| / (2^bits - 1).

    q is clamped to [-2^(bits-1), 2^(bits-1) - 1]; formula of compressed-tensors (quantization/utils/helpers.py, calculate_qparams).
    """

    bits: int = 4
    group: int = 128
    method: ClassVar[str] = "rtn"
    family: ClassVar[Family] = "quantization"
    calibrated: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("llmcompressor", "compressed_tensors", "transformers")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """What no pruning or quantization can do (`unsupported`)."""
        return unsupported(config)

    def settings(self) -> dict[str, Any]:
        """Bits and group size."""
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

        Raises UnicompError where `source` is quantized already or `group` does not divide the inputs of a layer.
        """
        model = split_experts(load_model(source))
        require_divisible(model, self.group, recipe=f"{self.method} {self.bits} bit")
        progress(f"{self.method}: {self.bits} bits, groups of {self.group}")
        with quiet():
            from llmcompressor.modifiers.quantization import QuantizationModifier

            modifier = QuantizationModifier(config_groups=weight_scheme(self.bits, self.group), ignore=other_linear_layers(model))
        compress_with(modifier, model, source, destination, seed=seed)


def weight_scheme(bits: int, group: int) -> dict[str, Any]:
    """Return llm-compressor's `config_groups` for symmetric weight-only integers on Linear layers; activations keep their dtype."""
    weights = {"num_bits": bits, "type": "int", "symmetric": True, "strategy": "group", "group_size": group}
    return {"linear": {"targets": ["Linear"], "weights": weights}}


RECIPES = {"rtn-w8a16": RoundToNearest(bits=8), "rtn-w4a16": RoundToNearest(bits=4), "rtn-w3a16": RoundToNearest(bits=3)}
