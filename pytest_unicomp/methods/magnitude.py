"""Prune the smallest weights of every linear layer: the baseline that needs no data (Han et al. 2015, arXiv 1506.02626)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.compressor import save
from pytest_unicomp.methods.decoder import linear_layers
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.method import CompressionMethod
from pytest_unicomp.methods.source import load_model

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Magnitude(CompressionMethod):
    """Zero the share `sparsity` (0 to 1) of weights with the smallest absolute value, layer by layer over the whole matrix.

    Written out here because llm-compressor's MagnitudePruningModifier masks weights only after optimizer steps: `oneshot` takes none.
    """

    sparsity: float = 0.5
    method: ClassVar[str] = "magnitude"
    family: ClassVar[Family] = "pruning"

    def compress(self, job: CompressionJob) -> None:
        """Write the pruned checkpoint, dense on disk, in the reference's dtype; raises UnicompError if the reference is quantized."""
        model = split_experts(load_model(job.source))
        for name, layer in linear_layers(model).items():
            job.progress(f"{self.method}: {name}")
            zero_smallest(layer.weight.data, self.sparsity, job.device)
        save(model, job.source, job.destination)


def zero_smallest(weight: torch.Tensor, sparsity: float, device: str) -> None:
    """Set the floor(sparsity x size) entries of `weight` (any shape) with the smallest magnitude to zero, in place; ties by position.

    As `prune_magnitude` of the reference code of Wanda (locuslab/wanda, lib/prune.py), but exact in number if magnitudes tie.
    """
    flat = weight.view(-1)
    order = flat.to(device).abs().sort(stable=True).indices
    flat[order[: int(sparsity * flat.numel())].to(flat.device)] = 0


RECIPES = {"magnitude-50": Magnitude()}
