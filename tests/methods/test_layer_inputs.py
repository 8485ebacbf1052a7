"""What config.json tells of a model's widths is what its layers have."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pytest_unicomp.methods.architectures import ARCHITECTURES
from pytest_unicomp.methods.decoder import linear_layers
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.layer_inputs import layer_inputs, layer_outputs, not_divided


def model(config: dict[str, Any]) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    kind = config["model_type"]
    made = AutoConfig.for_model(kind, **{key: value for key, value in config.items() if key not in ("model_type", "architectures")})
    made.num_hidden_layers = 1
    if getattr(made, "layer_types", None):
        made.layer_types = made.layer_types[:1]
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(made)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "Qwen3-MoE"])
def test_the_configuration_tells_the_inputs_of_every_layer_of_a_known_architecture(name: str) -> None:
    config = dict(ARCHITECTURES[name])
    assert set(layer_inputs(config).values()) == {layer.in_features for layer in linear_layers(model(config)).values()}


@pytest.mark.parametrize(
    "more",
    [
        {"decoder_sparse_step": 1, "mlp_only_layers": []},
        {"decoder_sparse_step": 1, "mlp_only_layers": [0]},
    ],
)
def test_experts_have_a_width_of_their_own_and_the_mlp_s_counts_only_if_a_layer_has_one(more: dict[str, Any]) -> None:
    config = {
        **ARCHITECTURES["Qwen3-MoE"],
        **{"num_experts": 2, "num_experts_per_tok": 1, "hidden_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1},
        **{"head_dim": 16, "moe_intermediate_size": 24, "intermediate_size": 40, "vocab_size": 16, **more},
    }
    from transformers import AutoConfig, AutoModelForCausalLM

    made = AutoConfig.for_model("qwen3_moe", **{k: v for k, v in config.items() if k not in ("model_type", "architectures")})
    made.num_hidden_layers = 2
    layers = linear_layers(split_experts(AutoModelForCausalLM.from_config(made)))
    assert set(layer_inputs(config).values()) == {layer.in_features for layer in layers.values()}


def test_the_text_part_of_a_configuration_counts_and_one_without_widths_tells_nothing() -> None:
    assert layer_inputs({"text_config": {"hidden_size": 64}}) == {"hidden_size": 64}
    assert layer_inputs({"model_type": "gpt2", "n_embd": 64}) == {}
    assert layer_outputs({"model_type": "gpt2", "n_embd": 64}) == {}
    assert not_divided({"model_type": "gpt2"}, 128) is None


def test_keys_and_values_have_fewer_outputs_with_grouped_queries() -> None:
    assert layer_outputs({"hidden_size": 576, "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536}) == {
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_key_value_heads x head_dim": 192,
    }
