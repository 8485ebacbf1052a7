"""A rotation leaves the model's function as it is, and helps where a few inputs stand out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods.compressor import apply
from pytest_unicomp.methods.decoder import linear_layers
from pytest_unicomp.methods.spinquant import ROTATED, SpinQuant, power_of_two
from tests.methods.tiny import checkpoint, load, run

IDS = torch.arange(3, 60)[None]


@pytest.fixture(params=ROTATED)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model whose norms and biases are not those of a new one."""
    sizes = {"hidden_size": 96, "num_attention_heads": 3, "num_key_value_heads": 3, "head_dim": 32}
    folder = checkpoint(tmp_path / "model", request.param, **sizes)
    model = load(folder)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name or name.endswith("bias"):
                weight.add_(0.3 * torch.rand_like(weight))
    model.save_pretrained(folder)
    return folder


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=IDS).logits
    return found


def rotated(source: Path, rotation: Any = None) -> Any:
    model = load(source)
    with quiet_with_captured_output():
        apply(SpinQuant().rotation(model) if rotation is None else rotation, model, source, seed=0)
    return model


def test_the_rotated_model_is_the_same_function_with_other_weights(source: Path) -> None:
    before, after = load(source), rotated(source)
    torch.testing.assert_close(logits(after), logits(before), rtol=1e-3, atol=1e-3)
    name = next(iter(linear_layers(before)))
    assert not torch.allclose(linear_layers(after)[name].weight, linear_layers(before)[name].weight, atol=1e-2)


def test_the_rotation_is_that_of_a_direct_call_where_embeddings_are_centred_already(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model")
    model = load(source)
    with torch.no_grad():
        embeddings = model.get_input_embeddings().weight
        embeddings -= embeddings.mean(-1, keepdim=True)
    model.save_pretrained(source)
    with quiet_with_captured_output():
        from llmcompressor.modifiers.transform.spinquant import SpinQuantModifier
    theirs = rotated(source, SpinQuantModifier(rotations=["R1", "R2"], transform_type="hadamard", transform_block_size=128))
    ours = linear_layers(rotated(source))
    for name, layer in linear_layers(theirs).items():
        torch.testing.assert_close(ours[name].weight, layer.weight, rtol=1e-4, atol=1e-5)


def test_the_artifact_loads_with_eight_bits_as_nearly_the_same_function(source: Path, tmp_path: Path) -> None:
    before, after = logits(load(source)), logits(load(run(SpinQuant(bits=8, group=32), source, tmp_path / "out")))
    assert float((after - before).pow(2).mean() / before.pow(2).mean()) < 5e-3


def test_heads_without_a_hadamard_matrix_and_other_layouts_are_refused() -> None:
    config = {"model_type": "llama", "hidden_size": 96, "num_attention_heads": 4, "intermediate_size": 256}
    assert "heads of 24" in str(SpinQuant().refusal(config))
    assert "rotations" in str(SpinQuant().refusal({**config, "model_type": "gemma2"}))
    assert SpinQuant().refusal({**config, "num_attention_heads": 3}) is None


def test_blocks_are_the_largest_power_of_two() -> None:
    assert [power_of_two(size) for size in (96, 576, 896, 4096, 3584)] == [32, 64, 128, 4096, 512]
