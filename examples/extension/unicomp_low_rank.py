"""Replace every linear layer of the decoder by its best approximation of lower rank (truncated SVD, Eckart & Young 1936)."""

import shutil
from dataclasses import asdict, dataclass
from typing import ClassVar


@dataclass(frozen=True)
class LowRank:
    """Keep the share `rank` (0 to 1) of the singular values of each matrix; the fields are what the report shows as settings."""

    rank: float
    method: ClassVar[str] = "low-rank"
    family: ClassVar[str] = "pruning"
    calibrated: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("torch", "safetensors")

    def settings(self):
        return asdict(self)

    def refusal(self, config):
        return "it is quantized already" if config.get("quantization_config") else None

    def compress(self, source, destination, calibration, *, seed, device, progress, scratch):
        from safetensors.torch import load_file, save_file

        for file in sorted(source.iterdir()):
            if file.is_file() and file.suffix != ".safetensors":
                shutil.copyfile(file, destination / file.name)
        for file in sorted(source.glob("*.safetensors")):
            weights = load_file(file)
            for name, weight in weights.items():
                if ".layers." in name and weight.ndim == 2:
                    progress(f"low-rank: {name}")
                    weights[name] = truncated(weight, self.rank, device)
            save_file(weights, destination / file.name, metadata={"format": "pt"})


def truncated(weight, share, device):
    """Return the matrix of that share of `weight`'s singular values, of the same shape and type."""
    import torch

    left, values, right = torch.linalg.svd(weight.to(device, torch.float32), full_matrices=False)
    kept = max(1, round(share * len(values)))
    return ((left[:, :kept] * values[:kept]) @ right[:kept]).to("cpu", weight.dtype).contiguous()


RECIPES = {"low-rank-50": LowRank(rank=0.5)}
