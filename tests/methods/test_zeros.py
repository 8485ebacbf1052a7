"""Zeros of a pruned model survive quantization, wherever its weights lie."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from compressed_tensors.offload import offload_module

from pytest_unicomp.methods.decoder import linear_layers
from pytest_unicomp.methods.zeros import zeros_kept
from tests.methods.tiny import checkpoint


@pytest.fixture
def model(tmp_path: Path):
    from transformers import AutoModelForCausalLM

    made = AutoModelForCausalLM.from_pretrained(checkpoint(tmp_path / "model", layers=1))
    for layer in linear_layers(made).values():
        layer.weight.data[:, ::2] = 0
    return made


def offloaded(model, folder: Path) -> None:
    """Offload every layer to disk, where a weight is a copy at each access, as llm-compressor leaves it on a GPU."""
    for layer in linear_layers(model).values():
        offload_module(layer, "cpu", "disk", offload_dir=str(folder))


@pytest.mark.parametrize("when", ["never", "before", "within"])
def test_zeros_that_were_filled_are_zero_again_on_offloaded_weights_too(model, tmp_path, when):
    if when == "before":
        offloaded(model, tmp_path)
    with zeros_kept(model):
        if when == "within":
            offloaded(model, tmp_path)
        from compressed_tensors.offload import update_offload_parameter

        for layer in linear_layers(model).values():
            update_offload_parameter(layer, "weight", layer.weight.data + 1)
    for layer in linear_layers(model).values():
        assert bool((layer.weight[:, ::2] == 0).all())
        assert bool((layer.weight[:, 1::2] != 0).any())


def test_a_layer_that_was_not_pruned_is_left_as_it_is(model):
    layer = next(iter(linear_layers(model).values()))
    layer.weight.data.fill_(1)
    layer.weight.data[0, 0] = 0
    with zeros_kept(model):
        layer.weight.data.fill_(2)
    assert torch.equal(layer.weight, torch.full_like(layer.weight, 2))
