"""Prune the smallest weights of every linear layer: the baseline that needs no data (Han et al. 2015, arXiv 1506.02626)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.protocols import Calibration, Progress
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.compressor import save
from pytest_unicomp.methods.decoder import linear_layers
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.support import unsupported

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Magnitude:
    """Zero the share `sparsity` (0 to 1) of weights with the smallest absolute value, layer by layer over the whole matrix.

    Written out here because llm-compressor's MagnitudePruningModifier masks weights only after optimizer steps: `oneshot` takes none.
    """

    sparsity: float = 0.5
    method: ClassVar[str] = "magnitude"
    family: ClassVar[Family] = "pruning"
    calibrated: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("transformers",)

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """What no pruning or quantization can do (`unsupported`)."""
        return unsupported(config)

    def settings(self) -> dict[str, Any]:
        """The share of zeros."""
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
        """Write the pruned checkpoint, dense on disk, in the reference's dtype; raises UnicompError where `source` is quantized."""
        model = split_experts(load_model(source))
        for name, layer in linear_layers(model).items():
            progress(f"{self.method}: {name}")
            zero_smallest(layer.weight.data, self.sparsity, device)
        save(model, source, destination)


def zero_smallest(weight: torch.Tensor, sparsity: float, device: str) -> None:
    """Set the floor(sparsity x size) entries of `weight` (any shape) with the smallest magnitude to zero, in place; ties by position.

    As `prune_magnitude` of the reference code of Wanda (locuslab/wanda, lib/prune.py), but exact in number where magnitudes tie.
    """
    flat = weight.view(-1)
    order = flat.to(device).abs().sort(stable=True).indices
    flat[order[: int(sparsity * flat.numel())].to(flat.device)] = 0


RECIPES = {"magnitude-50": Magnitude()}
