"""torch's product with 2:4 sparse weights as a module in place of a dense Linear: two of four neighbours are stored, and an index of which."""

from __future__ import annotations

from functools import cache
from typing import Any

# What torch.sparse.to_sparse_semi_structured takes in 16-bit floats (both back ends): rows and columns in multiples of these.
OUTPUTS_OF, INPUTS_OF = 32, 64


@cache
def linear() -> type:
    """Return SparseLinear; made when first asked for, since torch takes seconds to import."""
    import torch

    class SparseLinear(torch.nn.Module):
        """`weight` [outputs, inputs] with at most two of every four neighbours other than zero, on CUDA; stored compressed."""

        def __init__(self, weight: Any, bias: Any) -> None:
            super().__init__()
            self.outputs, self.inputs = weight.shape
            self.weight = torch.nn.Parameter(torch.sparse.to_sparse_semi_structured(weight.contiguous()), requires_grad=False)
            self.bias = bias

        def forward(self, x: Any) -> Any:
            """Return x [..., inputs] times the weight, plus the bias, [..., outputs]; torch pads few tokens to what its kernel takes."""
            flat = x.reshape(-1, self.inputs)
            return torch.nn.functional.linear(flat, self.weight, self.bias).reshape(*x.shape[:-1], self.outputs)

    return SparseLinear


def is_2of4(weight: Any) -> bool:
    """Say whether at most two of every four neighbours along the inputs are not zero, and the shape is one that the kernel takes."""
    outputs, inputs = weight.shape
    if outputs % OUTPUTS_OF or inputs % INPUTS_OF:
        return False
    return bool((weight.reshape(outputs, -1, 4).ne(0).sum(dim=-1) <= 2).all())


def pruned(weight: Any) -> Any:
    """Return the weight with the two smaller ones of every four neighbours set to zero."""
    import torch

    groups = weight.reshape(weight.shape[0], -1, 4)
    kept = torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, groups.abs().topk(2, dim=-1).indices, True)
    return torch.where(kept, groups, torch.zeros_like(groups)).reshape(weight.shape)
