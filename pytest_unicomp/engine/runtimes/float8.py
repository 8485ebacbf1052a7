"""torch's product of 8-bit floats as a module in place of a dense Linear: weights per output, activations rounded per token as they come."""

from __future__ import annotations

from functools import cache
from typing import Any

LARGEST = 448.0  # of float8_e4m3fn


@cache
def linear() -> type:
    """Return Float8Linear; made when first asked for, since torch takes seconds to import."""
    import torch

    class Float8Linear(torch.nn.Module):
        """`codes` [outputs, inputs] in float8_e4m3fn, `scales` [outputs, 1]: weight = code x scale. Computed by `torch._scaled_mm`."""

        def __init__(self, codes: Any, scales: Any, bias: Any, dtype: Any) -> None:
            super().__init__()
            self.outputs, self.inputs = codes.shape
            self.dtype, self.bias = dtype, bias
            # The kernel takes the second factor column by column: [inputs, outputs] as a view of rows that lie together.
            self.register_buffer("codes", codes.contiguous())
            self.register_buffer("scales", scales.float().reshape(1, -1).contiguous())

        def forward(self, x: Any) -> Any:
            """Return x [..., inputs] times the weight, plus the bias, [..., outputs]."""
            flat = x.reshape(-1, self.inputs)
            # As compressed-tensors rounds activations per token, in their own data type: a scale that differs in its last bit rounds others.
            scale = (flat.abs().amax(dim=-1, keepdim=True) / LARGEST).clamp(min=1e-12)
            rounded = (flat / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn)
            made = torch._scaled_mm(
                rounded, self.get_buffer("codes").t(), scale_a=scale.float(), scale_b=self.get_buffer("scales"), out_dtype=self.dtype
            )
            made = made if self.bias is None else made + self.bias
            return made.reshape(*x.shape[:-1], self.outputs)

    return Float8Linear


def packed(weight: Any) -> tuple[Any, Any]:
    """Return codes [outputs, inputs] in float8_e4m3fn and scales [outputs, 1] of a weight, its largest per output at the end of the range."""
    import torch

    scales = (weight.float().abs().amax(dim=1, keepdim=True) / LARGEST).clamp(min=1e-12)
    return (weight.float() / scales).to(torch.float8_e4m3fn), scales
