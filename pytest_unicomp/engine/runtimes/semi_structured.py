"""A Linear module with torch's product of 2:4 sparse weights: two of every four neighbours are stored, with their positions."""

from __future__ import annotations

from functools import cache
from typing import Any

# Multiples that torch.sparse.to_sparse_semi_structured needs of rows and columns in 16-bit floats (both back ends).
OUTPUTS_MULTIPLE, INPUTS_MULTIPLE = 32, 64


@cache
def linear_class() -> type:
    """Return SparseLinear, which is defined at the first call, since torch takes seconds to import."""
    import torch

    class SparseLinear(torch.nn.Module):
        """Stores `weight` (outputs, inputs), on CUDA and with at most two nonzero values in every four neighbours, in compressed form."""

        def __init__(self, weight: Any, bias: Any) -> None:
            super().__init__()
            self.outputs, self.inputs = weight.shape
            if not torch.backends.cusparselt.is_available():
                # This build of torch lacks its default back end. There is no public switch to the other.
                torch.sparse.SparseSemiStructuredTensor._FORCE_CUTLASS = True
            self.weight = torch.nn.Parameter(torch.sparse.to_sparse_semi_structured(weight.contiguous()), requires_grad=False)
            self.bias = bias

        def forward(self, x: Any) -> Any:
            """Return x (..., inputs) times the transposed weight, plus the bias: (..., outputs). torch pads if there are few tokens."""
            flat = x.reshape(-1, self.inputs)
            return torch.nn.functional.linear(flat, self.weight, self.bias).reshape(*x.shape[:-1], self.outputs)

    return SparseLinear


def is_2of4(weight: Any) -> bool:
    """Return True if at most two of every four neighbours along the inputs are nonzero, and if the kernel supports the shape."""
    outputs, inputs = weight.shape
    if outputs % OUTPUTS_MULTIPLE or inputs % INPUTS_MULTIPLE:
        return False
    return bool((weight.reshape(outputs, -1, 4).ne(0).sum(dim=-1) <= 2).all())


def prune_2of4(weight: Any) -> Any:
    """Return the weight with the two values of smallest magnitude in every four neighbours set to zero."""
    import torch

    groups = weight.reshape(weight.shape[0], -1, 4)
    kept = torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, groups.abs().topk(2, dim=-1).indices, True)
    return torch.where(kept, groups, torch.zeros_like(groups)).reshape(weight.shape)
