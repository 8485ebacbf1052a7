"""torch's own weight-only integer kernels as modules in place of a dense Linear: 4-bit codes in groups, and 8-bit codes per output or group."""

from __future__ import annotations

from functools import cache
from typing import Any

# Groups that torch's int4 kernels take (aten/src/ATen/native/cpu/int4mm_kernel.cpp; the CUDA one takes the same).
INT4_GROUPS = (32, 64, 128, 256)


@cache
def classes() -> tuple[type, type]:
    """Return (Int4Linear, Int8Linear); made when first asked for, since torch takes seconds to import."""
    import torch

    class Int4Linear(torch.nn.Module):
        """`codes` [outputs, inputs] in [-8, 7], `scales` and `zeros` [outputs, inputs / group]: weight = (code - zero) x scale."""

        def __init__(self, codes: Any, scales: Any, zeros: Any, group: int, bias: Any, dtype: Any) -> None:
            super().__init__()
            self.group, self.outputs, self.inputs = group, codes.shape[0], codes.shape[1]
            self.bias = bias
            # The kernel computes (q - 8) x scale + zero with q in 0..15 (torch.ops.aten._weight_int4pack_mm).
            table = torch.stack([scales.float().T, (-zeros.float() * scales.float()).T], dim=-1)
            self.register_buffer("table", table.to(dtype).contiguous())
            self.on_cuda = codes.is_cuda
            moved = (codes.to(torch.int32) + 8).contiguous()
            if self.on_cuda:
                packed = torch._convert_weight_to_int4pack((moved[:, ::2] << 4 | moved[:, 1::2]).to(torch.uint8), 8)
            else:
                packed = torch._convert_weight_to_int4pack_for_cpu(moved, 1)
            self.register_buffer("packed", packed)

        def forward(self, x: Any) -> Any:
            """Return x [..., inputs] times the weight, plus the bias, [..., outputs]."""
            flat = x.reshape(-1, self.inputs)
            multiply = torch._weight_int4pack_mm if self.on_cuda else torch._weight_int4pack_mm_for_cpu
            made = multiply(flat, self.get_buffer("packed"), self.group, self.get_buffer("table"))[:, : self.outputs]
            made = made if self.bias is None else made + self.bias
            return made.reshape(*x.shape[:-1], self.outputs)

    class Int8Linear(torch.nn.Module):
        """`codes` [outputs, inputs] in [-128, 127], `scales` [outputs, inputs / group]; symmetric. One kernel call per group, summed."""

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
            """Return x [..., inputs] times the weight, plus the bias, [..., outputs]."""
            flat = x.reshape(-1, self.inputs)
            made: Any = None
            for number, (codes, scale) in enumerate(zip(self.parts, self.scales, strict=True)):
                part = flat if len(self.parts) == 1 else flat[:, number * self.group : (number + 1) * self.group].contiguous()
                answer = torch._weight_int8pack_mm(part, codes, scale)
                # Summed in float32: every group's answer comes back rounded already.
                made = answer.float() if made is None else made.add_(answer)
            made = made.to(x.dtype)
            made = made if self.bias is None else made + self.bias
            return made.reshape(*x.shape[:-1], self.outputs)

    return Int4Linear, Int8Linear
