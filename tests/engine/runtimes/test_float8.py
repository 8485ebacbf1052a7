"""FP8 quantization of weights with a scale per output."""

import torch

from pytest_unicomp.engine.runtimes import float8


def test_the_largest_weight_of_an_output_becomes_the_largest_code_and_zeros_stay_zeros():
    weight = torch.tensor([[1.0, -2.0], [0.0, 0.0]])
    codes, scales = float8.quantize(weight)
    assert codes.float()[0].tolist() == [224.0, -448.0]
    assert (codes.float() * scales)[1].tolist() == [0.0, 0.0]
