from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from pytest_unicomp.checkpoints import gguf
from pytest_unicomp.checkpoints.gguf import GgufFile
from pytest_unicomp.checkpoints.gguf.configuration import configuration, refusal
from pytest_unicomp.checkpoints.gguf.weights import tensor
from pytest_unicomp.checkpoints.hub import NANO
from tests.checkpoints.gguf import gguf_toys


def read(tmp_path: Any, **changed: Any) -> GgufFile:
    return gguf.read(gguf_toys.write(NANO, tmp_path / "nano.gguf", **changed))


def configured(file: GgufFile) -> Any:
    return configuration(file, lambda name: tensor(file, name))


def test_sizes_rotary_base_and_norm_are_the_files(tmp_path):
    config = configured(read(tmp_path))
    assert (config.hidden_size, config.num_hidden_layers, config.num_key_value_heads, config.head_dim) == (256, 3, 2, 64)
    assert config.rope_parameters == {"rope_theta": 10000.0, "rope_type": "default"}
    assert config.rms_norm_eps == pytest.approx(1e-6)
    assert config.tie_word_embeddings


def test_a_key_that_is_not_understood_refuses_the_file(tmp_path):
    assert (
        refusal(read(tmp_path, stated={"attention.surprise": 7})) == "it states llama.attention.surprise = 7, which is not understood here"
    )


def test_an_architecture_that_cannot_be_unpacked_is_named():
    assert refusal(GgufFile(path=NANO, metadata={"general.architecture": "rwkv7"}, tensors={})) == (
        "its architecture is 'rwkv7', which cannot be unpacked here"
    )


@pytest.mark.parametrize("factor", [8.0, 32.0])
def test_divisors_that_llama_3_scales_by_become_its_rotary_settings(tmp_path, factor):
    scaled = {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    config = configured(read(tmp_path, beside={"rope_freqs.weight": llama3_divisors(scaled)}, stated={"rope.freq_base": 500000.0}))
    assert config.rope_parameters == {"rope_theta": 500000.0, **scaled}


def test_any_other_divisors_divide_the_frequencies_one_by_one(tmp_path):
    divisors = numpy.linspace(1.0, 3.0, 32, dtype=numpy.float32)
    config = configured(read(tmp_path, beside={"rope_freqs.weight": divisors}))
    frequencies, scale = ROPE_INIT_FUNCTIONS["longrope"](config, "cpu", seq_len=100)
    expected = 1 / (divisors * 10000.0 ** (numpy.arange(32) / 32))
    assert numpy.allclose(frequencies.numpy(), expected, rtol=1e-5)
    assert scale == 1.0


def test_a_stated_yarn_scaling_is_kept(tmp_path):
    stated = {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 1024}
    assert configured(read(tmp_path, stated=stated)).rope_parameters == {
        "rope_theta": 10000.0,
        "rope_type": "yarn",
        "factor": 4.0,
        "original_max_position_embeddings": 1024,
    }


def test_positions_that_turn_a_part_of_a_head_only_are_a_partial_rotary_factor(tmp_path):
    config = configured(read(tmp_path, stated={"rope.dimension_count": 32, "attention.key_length": 64}))
    assert config.rope_parameters["partial_rotary_factor"] == 0.5


def llama3_divisors(scaled: dict[str, Any]) -> numpy.ndarray:
    """Return what llama.cpp's converter stores for a model with this scaling and base 500,000, by transformers' own function."""
    from transformers import LlamaConfig

    config = LlamaConfig(hidden_size=256, num_attention_heads=4, head_dim=64, rope_parameters={"rope_theta": 500000.0, **scaled})
    frequencies, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
    plain = 1 / 500000.0 ** (numpy.arange(32) / 32)
    assert math.isclose(plain[0], frequencies[0].item(), rel_tol=1e-5)
    return (plain / frequencies.numpy()).astype(numpy.float32)
