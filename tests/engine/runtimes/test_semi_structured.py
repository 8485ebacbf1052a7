"""2:4 sparsity: which weights have it, and which values pruning keeps."""

import torch

from pytest_unicomp.engine.runtimes import semi_structured


def test_pruning_keeps_the_two_larger_of_four_values():
    weight = torch.tensor([[4.0, -1.0, 3.0, 2.0, 0.5, -8.0, 0.25, 1.0]])
    assert semi_structured.prune_2of4(weight).tolist() == [[4.0, 0.0, 3.0, 0.0, 0.0, -8.0, 0.0, 1.0]]
    torch.manual_seed(0)
    dense = torch.randn(32, 64)
    assert semi_structured.is_2of4(semi_structured.prune_2of4(dense))
    assert not semi_structured.is_2of4(dense)
    assert not semi_structured.is_2of4(torch.zeros(32, 60))
