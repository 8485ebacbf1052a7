"""Linear modules with torch's weight-only integer kernels: int4 with a scale per group, and int8 with a scale per output or group."""

from __future__ import annotations

from functools import cache
from typing import Any

# Group sizes that torch's int4 kernels support (aten/src/ATen/native/cpu/int4mm_kernel.cpp; the CUDA kernel supports the same).
INT4_GROUPS = (32, 64, 128, 256)


@cache
def linear_classes() -> tuple[type, type]:
    """Return (Int4Linear, Int8Linear), which are defined at the first call, since torch takes seconds to import."""
    import torch

    class Int4Linear(torch.nn.Module):
        """weight = (code - zero) x scale, with `codes` (outputs, inputs) in [-8, 7], `scales` and `zeros` (outputs, inputs / group)."""

        def __init__(self, codes: Any, scales: Any, zeros: Any, group: int, bias: Any, dtype: Any) -> None:
            super().__init__()
            self.group, self.outputs, self.inputs = group, codes.shape[0], codes.shape[1]
            self.bias = bias
            # The kernel computes (q - 8) x scale + zero with q in 0..15 (torch.ops.aten._weight_int4pack_mm).
            table = torch.stack([scales.float().T, (-zeros.float() * scales.float()).T], dim=-1)
            self.register_buffer("table", table.to(dtype).contiguous())
            self.on_cuda = codes.is_cuda
            unsigned = (codes.to(torch.int32) + 8).contiguous()
            if self.on_cuda:
                packed = torch._convert_weight_to_int4pack((unsigned[:, ::2] << 4 | unsigned[:, 1::2]).to(torch.uint8), 8)
            else:
                packed = torch._convert_weight_to_int4pack_for_cpu(unsigned, 1)
            self.register_buffer("packed", packed)

        def forward(self, x: Any) -> Any:
            """Return x (..., inputs) times the transposed weight, plus the bias: (..., outputs)."""
            flat = x.reshape(-1, self.inputs)
            multiply = torch._weight_int4pack_mm if self.on_cuda else torch._weight_int4pack_mm_for_cpu
            output = multiply(flat, self.get_buffer("packed"), self.group, self.get_buffer("table"))[:, : self.outputs]
            output = output if self.bias is None else output + self.bias
            return output.reshape(*x.shape[:-1], self.outputs)

    class Int8Linear(torch.nn.Module):
        """weight = code x scale, with `codes` (outputs, inputs) in [-128, 127], `scales` (outputs, inputs / group); one kernel call per group, summed."""

        def __init__(self, codes: Any, scales: Any, group: int, bias: Any, dtype: Any) -> None:
            super().__init__()
            self.group, self.outputs, self.inputs = group, codes.shape[0], codes.shape[1]
            self.bias = bias
            self.parts = torch.nn.ParameterList(
                [
                    torch.nn.Parameter(codes[:, start : start + group].to(torch.int8).contiguous(), requires_grad=False)
                    for start in range(0, self.inputs, group)
                ]
            )
            self.scales = torch.nn.ParameterList(
                [torch.nn.Parameter(scales[:, number].to(dtype).contiguous(), requires_grad=False) for number in range(scales.shape[1])]
            )

        def forward(self, x: Any) -> Any:
            """Return x (..., inputs) times the transposed weight, plus the bias: (..., outputs)."""
            flat = x.reshape(-1, self.inputs)
            total: Any = None
            for number, (codes, scale) in enumerate(zip(self.parts, self.scales, strict=True)):
                part = flat if len(self.parts) == 1 else flat[:, number * self.group : (number + 1) * self.group].contiguous()
                product = torch._weight_int8pack_mm(part, codes, scale)
                # Summed in float32: the product of each group is already rounded to the dtype of x.
                total = product.float() if total is None else total.add_(product)
            output = total.to(x.dtype)
            output = output if self.bias is None else output + self.bias
            return output.reshape(*x.shape[:-1], self.outputs)

    return Int4Linear, Int8Linear
