"""Layers are read from the files of a checkpoint, one at a time, and a layer without a scale is refused."""

import pytest
import torch
from safetensors.torch import save_file

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.runtimes.stored_layers import read_layers


def checkpoint(folder, **tensors):
    save_file({name.replace("__", "."): tensor.clone() for name, tensor in tensors.items()}, folder / "model.safetensors")
    return folder


def test_the_tensors_of_each_wanted_layer_are_read_by_their_last_name(tmp_path):
    ones = torch.ones(2, 2)
    folder = checkpoint(
        tmp_path, a__q__weight=ones, a__q__weight_scale=ones * 2, b__weight=ones * 3, b__weight_scale=ones * 4, c__weight=ones
    )
    found = {
        name: {kind: float(tensor[0, 0]) for kind, tensor in parts.items()} for name, parts in read_layers(folder, {"b": None, "a.q": None})
    }
    assert found == {"b": {"weight": 3.0, "weight_scale": 4.0}, "a.q": {"weight": 1.0, "weight_scale": 2.0}}


def test_a_layer_without_a_scale_is_refused(tmp_path):
    folder = checkpoint(tmp_path, a__weight=torch.ones(2, 2))
    with pytest.raises(InfrastructureError, match="declares a quantized but has no scale for it"):
        list(read_layers(folder, {"a": None}))
