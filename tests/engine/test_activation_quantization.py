"""Activations are quantized per token if the checkpoint says so; all other layers keep their plain forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp import engine
from pytest_unicomp.engine.kv_cache import preallocated
from pytest_unicomp.engine.model_probe import probe
from tests.engine.compressed_toys import compressed
from tests.methods import tiny as checkpoints


def rounded_by_hand(inputs: Any) -> Any:
    """Symmetric int8 with one scale per token, in three lines (compressed-tensors: scale = 2 max|x| / 255)."""
    scale = inputs.abs().amax(-1, keepdim=True) * 2 / 255
    return (inputs / scale).round().clamp(-128, 127) * scale


def fp8_by_hand(inputs: Any) -> Any:
    """FP8 E4M3, whose largest number is 448, with one scale per token."""
    import torch

    scale = inputs.abs().amax(-1, keepdim=True) / 448
    return (inputs / scale).to(torch.float8_e4m3fn).float() * scale


def test_w8a8_has_a_scale_per_token_which_an_outlier_dominates(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model")
    folder = checkpoints.run("smoothquant-w8a8", source, tmp_path / "out", checkpoints.calibration())
    layer = engine.load(folder, device="cpu", dtype="auto").model.model.layers[0].mlp.up_proj
    inputs = torch.randn(3, 128, generator=torch.Generator().manual_seed(0))
    inputs[1, 5] = 1000.0
    exact = torch.nn.functional.linear(inputs, layer.weight)
    with torch.inference_mode():
        given = layer(inputs)
    torch.testing.assert_close(given, torch.nn.functional.linear(rounded_by_hand(inputs), layer.weight), rtol=1e-4, atol=1e-4)
    assert float((given[1] - exact[1]).abs().max()) > 10 * float((given[0] - exact[0]).abs().max())


def test_fp8_activations_have_three_bits_of_mantissa(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model")
    folder = checkpoints.run("fp8-dynamic", source, tmp_path / "out")
    layer = engine.load(folder, device="cpu", dtype="auto").model.model.layers[0].mlp.up_proj
    inputs = torch.randn(3, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = torch.nn.functional.linear(fp8_by_hand(inputs), layer.weight)
        torch.testing.assert_close(layer(inputs), expected, rtol=1e-3, atol=1e-3)


def test_weight_only_layers_have_their_plain_forward(tmp_path: Path) -> None:
    source = checkpoints.checkpoint(tmp_path / "model")
    wrapped = {}
    for recipe in ("rtn-w4a16", "fp8-dynamic"):
        model = engine.load(checkpoints.run(recipe, source, tmp_path / recipe), device="cpu", dtype="auto").model
        wrapped[recipe] = [
            name for name, module in model.named_modules() if getattr(module.forward, "__func__", None) is not type(module).forward
        ]
    assert wrapped["rtn-w4a16"] == []
    assert len(wrapped["fp8-dynamic"]) == 14


def test_experts_quantize_their_activations_too(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model", "qwen3_moe")
    folder = checkpoints.run("fp8-dynamic", source, tmp_path / "out")
    model, plain = engine.load(folder, device="cpu", dtype="auto").model, checkpoints.load(folder)
    expert = model.model.layers[0].mlp.experts[2]
    inputs = torch.randn(3, 128, generator=torch.Generator().manual_seed(0))
    inputs[0, 0] = 1000.0
    with torch.inference_mode():
        # Each token has its own scale: the outlier of the first does not change the others of the same expert.
        expected = torch.nn.functional.linear(fp8_by_hand(inputs), expert.up_proj.weight)
        torch.testing.assert_close(expert.up_proj(inputs), expected, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(expert.up_proj.weight, plain.model.layers[0].mlp.experts.gate_up_proj[2, 128:].float(), rtol=0, atol=0)


CACHE_SCHEME = {"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False, "symmetric": True}


@pytest.fixture(scope="module")
def cache_in_8_bits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose weights are FP8 and whose config.json declares an FP8 cache with a scale per layer."""
    folder = tmp_path_factory.mktemp("cache")
    source = checkpoints.checkpoint(folder / "model", dtype="bfloat16")
    return compressed(source, folder / "packed", "FP8_DYNAMIC", kv_cache_scheme=CACHE_SCHEME)


def test_keys_and_values_are_rounded_before_every_cache_gets_them(cache_in_8_bits: Path) -> None:
    import torch

    model = engine.load(cache_in_8_bits, device="cpu", dtype="auto").model
    cache = preallocated(model.config, 40)
    with torch.inference_mode():
        model(torch.arange(3, 35)[None], past_key_values=cache, use_cache=True)
    attention = model.model.layers[1].self_attn
    for states, scale in ((cache.layers[1].keys, attention.k_scale), (cache.layers[1].values, attention.v_scale)):
        codes = states / scale
        torch.testing.assert_close(codes, codes.to(torch.float8_e4m3fn).float(), rtol=1e-5, atol=1e-5)
        assert len(codes.unique()) > 1


def test_scoring_and_generation_both_see_the_rounded_cache(cache_in_8_bits: Path) -> None:
    import torch
    from transformers import DynamicCache

    model = engine.load(cache_in_8_bits, device="cpu", dtype="auto").model
    tokens, cache = torch.arange(3, 35)[None], DynamicCache(config=model.config)
    with torch.inference_mode():
        scored = model(tokens, use_cache=False).logits
        steps = [model(tokens[:, at : at + 1], past_key_values=cache, use_cache=True).logits for at in range(32)]
        # A number halfway between two codes may round to either, so that the two are alike but not equal.
        between = float((torch.cat(steps, dim=1) - scored).norm())
        for layer in model.model.layers:
            layer.self_attn.quantization_enabled = False
        assert float((model(tokens, use_cache=False).logits - scored).norm()) > 5 * between
        for layer in model.model.layers:
            layer.self_attn.quantization_enabled = True
            layer.self_attn.v_scale.fill_(1e6)
        assert float((model(tokens, use_cache=False).logits - scored).abs().max()) > 1


def test_the_probe_finds_that_a_rounded_cache_may_be_shared_and_batched(cache_in_8_bits: Path) -> None:
    found = probe(engine.load(cache_in_8_bits, device="cpu", dtype="auto").model)
    assert found.reason is None
    assert found.batched_generation
