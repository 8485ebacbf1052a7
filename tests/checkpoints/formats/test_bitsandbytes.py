"""What bitsandbytes writes is read with its shapes and bits, and scored as bitsandbytes computes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_unicomp import engine
from pytest_unicomp.checkpoints import checks, hub
from pytest_unicomp.checkpoints.formats import bitsandbytes
from pytest_unicomp.checkpoints.safetensors_reader import headers
from tests.methods import tiny

STATED = {"quant_method": "bitsandbytes", "bnb_4bit_quant_type": "nf4"}
WAYS = {
    "nf4, scales quantized": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
    "int8": {"load_in_8bit": True},
}


def four_bit_file(path: Path, **changes: Any) -> Path:
    """One layer of 8 x 32 weights in blocks of 64, as QuantState.as_dict packs it."""
    from safetensors.numpy import save_file

    state = json.dumps({"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [8, 32]}).encode()
    tensors = {
        "a.weight": np.zeros((128, 1), np.uint8),
        "a.weight.absmax": np.ones(4, np.float32),
        "a.weight.quant_map": np.ones(16, np.float32),
        "a.weight.quant_state.bitsandbytes__nf4": np.frombuffer(state, np.uint8).copy(),
    }
    save_file(tensors | changes, path)
    return path


def test_shape_block_and_bits_stand_in_the_state(tmp_path: Path) -> None:
    (layer,) = bitsandbytes.layers(headers([four_bit_file(tmp_path / "model.safetensors")]), STATED)
    assert (layer.name, layer.outputs, layer.inputs, layer.bits, layer.group, layer.problems) == ("a", 8, 32, 4.0, 64, ())
    assert layer.stored_bits == layer.expected_bits


def test_codes_that_the_state_does_not_describe_are_named(tmp_path: Path) -> None:
    short = four_bit_file(tmp_path / "short.safetensors", **{"a.weight": np.zeros((127, 1), np.uint8)})
    (layer,) = bitsandbytes.layers(headers([short]), STATED | {"bnb_4bit_quant_type": "fp4"})
    assert layer.problems == (
        "weight is U8 [127, 1], the declaration makes it U8 [128, 1]",
        "its codes are nf4, config.json declares fp4",
    )


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_what_the_library_writes_passes_and_scores_as_it_computes(tmp_path: Path, how: dict[str, Any]) -> None:
    pytest.importorskip("bitsandbytes", reason="pip install bitsandbytes to write its format")
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    source = tiny.checkpoint(tmp_path / "model", dtype="bfloat16")
    theirs = AutoModelForCausalLM.from_pretrained(source, quantization_config=BitsAndBytesConfig(**how), dtype=torch.float32)
    theirs.save_pretrained(tmp_path / "made")
    tiny.save_tokenizer(tmp_path / "made")
    failed = {finding.check: finding.found for finding in checks.inspect(tmp_path / "made", source) if finding.status == "fail"}
    assert failed == {}
    assert hub.facts(tmp_path / "made").parameters == hub.facts(source).parameters
    tokens = torch.arange(3, 60)[None]
    with torch.inference_mode():
        given, wanted = engine.load(tmp_path / "made", device="cpu", dtype="auto").model(tokens).logits, theirs(tokens).logits
    assert float((given - wanted).norm()) < 0.02 * float(wanted.norm())
