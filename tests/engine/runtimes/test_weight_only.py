"""Weight-only integer kernels multiply with (code - zero) x scale."""

import pytest
import torch

from pytest_unicomp.engine.runtimes.weight_only import linear_classes


@pytest.mark.parametrize("symmetric", [True, False])
def test_the_weight_is_code_minus_zero_times_scale(symmetric):
    torch.manual_seed(0)
    codes = torch.randint(-8, 8, (32, 128))
    scales, zeros = torch.rand(32, 2) / 8 + 0.01, torch.zeros(32, 2) if symmetric else torch.randint(-4, 4, (32, 2)).float()
    x, bias = torch.randn(3, 5, 128, dtype=torch.bfloat16), torch.randn(32, dtype=torch.bfloat16)
    weight = (codes - zeros.repeat_interleave(64, 1)) * scales.repeat_interleave(64, 1)
    expected = torch.nn.functional.linear(x.float(), weight, bias.float())
    int4, int8 = linear_classes()
    found = int4(codes, scales, zeros, 64, bias, torch.bfloat16)(x).float()
    assert float((found - expected).norm() / expected.norm()) < 0.02
    if symmetric:
        found = int8(codes, scales, 64, bias, torch.bfloat16)(x).float()
        assert float((found - expected).norm() / expected.norm()) < 0.02
