"""Formats that transformers itself unpacks are scored as the same weights unpacked by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp import engine
from pytest_unicomp.checkpoints import checks
from tests.methods import tiny


def logits(folder: Path) -> Any:
    import torch

    with torch.inference_mode():
        return engine.load(folder, device="cpu", dtype="auto").model(torch.arange(3, 60)[None]).logits


def test_block_fp8_is_scored_as_its_weights_unpacked(tmp_path: Path) -> None:
    """DeepSeek's format: codes in float8, and one inverse scale per block of 128 x 128."""
    import torch
    from safetensors.torch import load_file, save_file

    source = tiny.checkpoint(tmp_path / "model", dtype="bfloat16")
    packed, dense = (tiny.checkpoint(tmp_path / name, dtype="bfloat16") for name in ("packed", "dense"))
    weights = load_file(source / "model.safetensors")
    unpacked = dict(weights)
    for name in [name for name in weights if name.endswith("_proj.weight")]:
        weight = weights.pop(name).float()
        blocks = weight.reshape(weight.shape[0] // 128, 128, weight.shape[1] // 128, 128)
        scale = blocks.abs().amax((1, 3)) / 448
        codes = (blocks / scale[:, None, :, None]).to(torch.float8_e4m3fn)
        weights |= {name: codes.reshape(weight.shape), f"{name}_scale_inv": scale}
        unpacked[name] = (codes.float() * scale[:, None, :, None]).reshape(weight.shape)
    save_file(weights, packed / "model.safetensors", metadata={"format": "pt"})
    save_file(unpacked, dense / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((packed / "config.json").read_text())
    stated = {"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}
    (packed / "config.json").write_text(json.dumps(config | {"quantization_config": stated}))
    given, wanted = logits(packed), logits(dense)
    assert float((given - wanted).norm()) < 0.02 * float(wanted.norm())
    assert float((given - logits(source)).norm()) > 2 * float((given - wanted).norm())
    assert {finding.check for finding in checks.inspect(packed, source) if finding.status == "fail"} == set()


def test_torchao_is_scored_as_it_computes(tmp_path: Path) -> None:
    pytest.importorskip("torchao", reason="pip install torchao to write its format")
    import torch
    from torchao.quantization import Int8WeightOnlyConfig
    from transformers import AutoModelForCausalLM, TorchAoConfig

    source = tiny.checkpoint(tmp_path / "model", dtype="bfloat16")
    theirs = AutoModelForCausalLM.from_pretrained(source, quantization_config=TorchAoConfig(Int8WeightOnlyConfig()), dtype=torch.float32)
    theirs.save_pretrained(tmp_path / "made")
    tiny.save_tokenizer(tmp_path / "made")
    with torch.inference_mode():
        wanted = theirs(torch.arange(3, 60)[None]).logits
    assert float((logits(tmp_path / "made") - wanted).norm()) < 0.02 * float(wanted.norm())
    assert {finding.check for finding in checks.inspect(tmp_path / "made", source) if finding.status == "fail"} == set()


def test_mxfp4_of_gpt_oss_is_scored_as_its_weights_unpacked(tmp_path: Path) -> None:
    """The experts' codes are four-bit floats, two to a byte and the low one first, with a power of two per 32 of them."""
    import torch
    from safetensors.torch import load_file, save_file

    sizes = {"num_local_experts": 4, "num_experts_per_tok": 2, "intermediate_size": 64, "hidden_size": 64, "head_dim": 16}
    packed, dense = (
        tiny.checkpoint(tmp_path / name, "gpt_oss", dtype="bfloat16", num_key_value_heads=2, tie_word_embeddings=False, **sizes)
        for name in ("packed", "dense")
    )
    weights = load_file(dense / "model.safetensors")
    unpacked = dict(weights)
    levels = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
    levels = torch.cat([levels, -levels])
    draw = torch.Generator().manual_seed(0)
    for name in [name for name in weights if name.endswith(("experts.gate_up_proj", "experts.down_proj"))]:
        experts, inputs, outputs = weights.pop(name).shape
        codes = torch.randint(0, 16, (experts, outputs, inputs // 32, 32), generator=draw)
        scales = torch.randint(122, 125, (experts, outputs, inputs // 32), generator=draw).to(torch.uint8)
        weights[f"{name}_blocks"] = (codes[..., ::2] | codes[..., 1::2] << 4).to(torch.uint8)
        weights[f"{name}_scales"] = scales
        numbers = levels[codes] * torch.exp2(scales.float() - 127)[..., None]
        unpacked[name] = numbers.reshape(experts, outputs, inputs).transpose(1, 2).contiguous()
    save_file(weights, packed / "model.safetensors", metadata={"format": "pt"})
    save_file(unpacked, dense / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((packed / "config.json").read_text())
    (packed / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "mxfp4"}}))
    given, wanted = logits(packed), logits(dense)
    assert float((given - wanted).norm()) < 0.01 * float(wanted.norm())
