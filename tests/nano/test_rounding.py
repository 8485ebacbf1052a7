"""Rounding and pruning change the decoder's matrices as their names state, and nothing else."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from pytest_unicomp.nano import checkpoint_folder
from pytest_unicomp.nano.rounding import VARIANTS


@pytest.fixture
def model():
    return AutoModelForCausalLM.from_pretrained(checkpoint_folder(), dtype="float32")


def matrix(model):
    return model.model.layers[0].mlp.down_proj.weight.detach().clone()


def test_dense_is_untouched_and_the_embedding_always_is(model):
    before, embedding = matrix(model), model.get_input_embeddings().weight.detach().clone()
    VARIANTS["dense"](model)
    assert torch.equal(matrix(model), before)
    VARIANTS["magnitude-50"](model)
    assert torch.equal(model.get_input_embeddings().weight, embedding)


def test_half_of_each_output_is_zero_and_two_of_every_four(model):
    VARIANTS["magnitude-50"](model)
    found = matrix(model)
    assert ((found == 0).sum(dim=-1) == found.shape[-1] // 2).all()
    VARIANTS["magnitude-2of4"](model)
    assert ((matrix(model).reshape(-1, 4) == 0).sum(dim=-1) >= 2).all()


def test_fewer_bits_leave_fewer_values_per_group(model):
    VARIANTS["rtn-3"](model)
    groups = matrix(model).reshape(-1, 128)
    assert max(len(group.unique()) for group in groups[:50]) <= 8
