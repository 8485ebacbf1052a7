"""Replace every linear layer of the decoder by its best approximation of lower rank (truncated SVD, Eckart & Young 1936)."""

from dataclasses import dataclass
from typing import ClassVar

from pytest_unicomp.methods.compressor import save
from pytest_unicomp.methods.decoder import linear_layers
from pytest_unicomp.methods.method import CompressionMethod
from pytest_unicomp.methods.source import load_model


@dataclass(frozen=True)
class LowRank(CompressionMethod):
    """Keep the share `rank` (0 to 1) of the singular values of each matrix; the fields are what the report shows as settings."""

    rank: float
    method: ClassVar[str] = "low-rank"
    family: ClassVar[str] = "pruning"

    def compress(self, job):
        model = load_model(job.source)
        for name, layer in linear_layers(model).items():
            job.progress(f"low-rank: {name}")
            layer.weight.data = truncated(layer.weight.data, self.rank, job.device)
        save(model, job.source, job.destination)


def truncated(weight, share, device):
    """Return the matrix of that share of `weight`'s singular values, of the same shape and type."""
    import torch

    left, values, right = torch.linalg.svd(weight.to(device, torch.float32), full_matrices=False)
    kept = max(1, round(share * len(values)))
    return ((left[:, :kept] * values[:kept]) @ right[:kept]).to("cpu", weight.dtype).contiguous()


RECIPES = {"low-rank-50": LowRank(rank=0.5)}
