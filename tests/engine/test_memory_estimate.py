"""Bytes per token are estimated from any configuration."""

from types import SimpleNamespace

import pytest

from pytest_unicomp.engine.memory_estimate import bytes_per_token

PROMPTS = ["one", "two words", "a longer prompt of several words", "x" * 40]


@pytest.mark.parametrize(
    "says",
    [
        {},
        {"hidden_size": None, "num_attention_heads": None},
        {"hidden_size": 64, "num_attention_heads": [4, 8], "num_key_value_heads": [1, None, 2], "intermediate_size": "many"},
        {"hidden_size": 0, "num_attention_heads": 0, "head_dim": 0, "num_hidden_layers": 0},
    ],
)
def test_an_incomplete_or_odd_configuration_gives_an_estimate(says):
    import torch

    config = SimpleNamespace(**says)
    config.get_text_config = lambda: config
    found = bytes_per_token(SimpleNamespace(config=config, dtype=torch.float32))
    assert min(found.activations, found.kv_cache, found.element) > 0


def test_the_largest_layer_counts():
    import torch

    config = SimpleNamespace(
        hidden_size=64, num_attention_heads=4, num_key_value_heads=[1, 2], intermediate_size=[10, 30], num_hidden_layers=2
    )
    config.get_text_config = lambda: config
    found = bytes_per_token(SimpleNamespace(config=config, dtype=torch.float32))
    assert (found.activations, found.kv_cache) == (4 * (3 * 30 + 8 * 64), 2 * 4 * 2 * 2 * 16)


def test_a_configuration_with_sizes_per_layer_only_gives_an_estimate():
    import torch

    class Config:
        hidden_size = 64

        def get_text_config(self):
            return self

        def __getattr__(self, name):
            raise RuntimeError(f"{name} differs from layer to layer")

    assert bytes_per_token(SimpleNamespace(config=Config(), dtype=torch.float32)).activations == 4 * (3 * 4 * 64 + 8 * 64)
