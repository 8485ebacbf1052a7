"""Weights of one model in another, for the time of a block."""

from __future__ import annotations

import pytest
import torch

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.engine.swapped_weights import weights_from


def model(seed, wide=3):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(2, wide), torch.nn.Linear(wide, 2))


def test_only_the_named_weights_are_those_of_the_donor_and_only_within_the_block():
    own, donor = model(0), model(1)
    before = [parameter.clone() for parameter in own.parameters()]
    with weights_from(donor, own, ["0.weight", "0.bias"]):
        assert torch.equal(own[0].weight, donor[0].weight)
        assert torch.equal(own[1].weight, before[2])
        text = torch.ones(1, 2)
        assert torch.equal(own[0](text), donor[0](text))
    assert all(torch.equal(one, other) for one, other in zip(own.parameters(), before, strict=True))


def test_the_weights_come_back_if_the_block_fails():
    own, donor = model(0), model(1)
    before = own[0].weight.clone()
    with pytest.raises(KeyError), weights_from(donor, own, ["0.weight"]):
        raise KeyError
    assert torch.equal(own[0].weight, before)


def test_other_shapes_are_refused_by_name_before_anything_changes():
    own, donor = model(0, wide=4), model(1)
    before = own[1].bias.clone()
    with (
        pytest.raises(UnicompError, match=r"0\.weight has the shape \(4, 2\) in the candidate and \(3, 2\) in the reference"),
        weights_from(donor, own, ["1.bias", "0.weight"]),
    ):
        pass
    assert torch.equal(own[1].bias, before)


def test_a_part_that_one_model_lacks_is_refused():
    longer = torch.nn.Sequential(*model(1), torch.nn.Linear(2, 2))
    with pytest.raises(UnicompError, match=r"2\.weight has the shape None in the candidate"), weights_from(longer, model(0), ["2.weight"]):
        pass
