"""Kernels of compressed formats on this GPU: which there are, whether they compute the layer, and their time beside dense."""

from __future__ import annotations

import pytest
import torch

from pytest_unicomp.benchmarks.efficiency.kernels import TOLERANCE
from pytest_unicomp.engine.host.paired_timing import device_seconds
from pytest_unicomp.engine.runtimes import kernels

SIDE, TURNS = 2048, 20


@pytest.mark.parametrize("format_", ["int8", "int4", "fp8", "2of4"])
def test_a_packed_layer_computes_with_its_equivalent_weight(device, record_property, format_):
    reason = kernels.unavailable_reason(format_, device)
    record_property("reason", reason)
    if reason is not None:
        pytest.skip(reason)
    torch.manual_seed(0)
    weight = torch.randn(SIDE, SIDE, device=device).bfloat16()
    packed = kernels.pack(format_, weight)
    with torch.inference_mode():
        for rows in (1, 8, 256):
            x = torch.randn(rows, SIDE, device=device).bfloat16()
            wanted = torch.nn.functional.linear(x.float(), packed.weight.float())
            found = packed.module(x).float()
            assert float((found - wanted).norm() / wanted.norm()) < TOLERANCE[format_]
            for name, work in (("dense", lambda x=x: torch.nn.functional.linear(x, weight)), ("kernel", lambda x=x: packed.module(x))):
                work()
                seconds, _ = device_seconds(device, lambda work=work: [work() for _ in range(TURNS)])
                record_property(f"{name}, {rows} rows, us", 1e6 * seconds / TURNS)
