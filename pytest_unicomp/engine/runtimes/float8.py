"""A Linear module with torch's product of 8-bit floats (FP8 E4M3): weight scales per output, dynamic activation scales per token."""

from __future__ import annotations

from functools import cache
from typing import Any

# The largest number of float8_e4m3fn.
LARGEST = 448.0


@cache
def linear_class() -> type:
    """Return Float8Linear, which is defined at the first call, since torch takes seconds to import."""
    import torch

    class Float8Linear(torch.nn.Module):
        """weight = code x scale, with `codes` (outputs, inputs) in float8_e4m3fn, `scales` (outputs, 1); computed by `torch._scaled_mm`."""

        def __init__(self, codes: Any, scales: Any, bias: Any, dtype: Any) -> None:
            super().__init__()
            self.outputs, self.inputs = codes.shape
            self.dtype, self.bias = dtype, bias
            # The kernel needs the second factor in column-major order: (inputs, outputs) as a transposed view of contiguous rows.
            self.register_buffer("codes", codes.contiguous())
            self.register_buffer("scales", scales.float().reshape(1, -1).contiguous())

        def forward(self, x: Any) -> Any:
            """Return x (..., inputs) times the transposed weight, plus the bias: (..., outputs)."""
            flat = x.reshape(-1, self.inputs)
            # In the dtype of the activations, as in compressed-tensors: a scale that differs in its last bit would round them differently.
            scale = (flat.abs().amax(dim=-1, keepdim=True) / LARGEST).clamp(min=1e-12)
            rounded = (flat / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn)
            output = torch._scaled_mm(
                rounded, self.get_buffer("codes").t(), scale_a=scale.float(), scale_b=self.get_buffer("scales"), out_dtype=self.dtype
            )
            output = output if self.bias is None else output + self.bias
            return output.reshape(*x.shape[:-1], self.outputs)

    return Float8Linear


def quantize(weight: Any) -> tuple[Any, Any]:
    """Return codes (outputs, inputs) in float8_e4m3fn and scales (outputs, 1); the largest weight of each output becomes LARGEST."""
    import torch

    scales = (weight.float().abs().amax(dim=1, keepdim=True) / LARGEST).clamp(min=1e-12)
    return (weight.float() / scales).to(torch.float8_e4m3fn), scales
