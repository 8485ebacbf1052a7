"""A model over several GPUs computes what it does on one, dense and quantized."""

from __future__ import annotations

import pytest
import torch

from pytest_unicomp import engine
from tests.engine.compressed_toys import compressed
from tests.methods.tiny import checkpoint


@pytest.mark.parametrize("scheme", [None, "W4A16"])
def test_logits_over_several_gpus_are_those_of_one(device, tmp_path, record_property, scheme):
    count = torch.cuda.device_count() if device != "cpu" else 1
    record_property("gpus", count)
    if device != "cpu" and count < 2:
        pytest.skip("needs two GPUs")
    folder = checkpoint(tmp_path / "model")
    if scheme is not None:
        folder = compressed(folder, tmp_path / "packed", scheme)
    sharded = engine.load(folder, device=device, dtype="float32", sharded=True)
    plain = engine.load(folder, device=device, dtype="float32")
    record_property("devices", sorted({str(parameter.device) for parameter in sharded.model.parameters()}))
    tokens = torch.arange(4, 40)[None].to(device)
    with torch.inference_mode():
        assert torch.allclose(sharded.model(tokens).logits.to(device), plain.model(tokens).logits, atol=1e-3)
    assert sharded.lm.capabilities.lm_head is not None
