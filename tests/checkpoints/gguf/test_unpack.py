from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest
import torch
from gguf import GGMLQuantizationType, quants
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.checkpoints import gguf
from pytest_unicomp.checkpoints.gguf import weights
from pytest_unicomp.checkpoints.hub import NANO
from tests.checkpoints.gguf import gguf_toys

KINDS = [GGMLQuantizationType[name] for name in ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")]


def unpacked(path: Path, folder: Path, base: Path | None = None) -> Path:
    folder.mkdir()
    gguf.unpack(gguf.read(path), folder, base)
    return folder


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_weights_are_the_numbers_that_the_blocks_stand_for(tmp_path, kind):
    made = load_file(unpacked(gguf_toys.write(NANO, tmp_path / "nano.gguf", kind), tmp_path / "made") / "model.safetensors")
    stored = gguf_toys.tensors_of(NANO)
    down = quants.dequantize(quants.quantize(stored["blk.1.ffn_down.weight"], kind), kind)
    assert numpy.array_equal(made["model.layers.1.mlp.down_proj.weight"].numpy(), down)
    key = quants.dequantize(quants.quantize(stored["blk.2.attn_k.weight"], kind), kind)
    assert numpy.array_equal(gguf_toys.permuted(made["model.layers.2.self_attn.k_proj.weight"].numpy(), 2), key)


def test_a_file_in_half_precision_scores_as_the_checkpoint_that_it_was_written_from(tmp_path):
    folder = unpacked(gguf_toys.write(NANO, tmp_path / "nano.gguf", GGMLQuantizationType.BF16), tmp_path / "made")
    tokens = torch.arange(6, 90)[None]
    logits = [AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)(tokens).logits for path in (folder, NANO)]
    assert torch.allclose(*logits, atol=1e-4)


def test_the_bases_tokenizer_and_type_are_taken_if_the_vocabularies_are_equal(tmp_path):
    folder = unpacked(gguf_toys.write(NANO, tmp_path / "nano.gguf"), tmp_path / "made", NANO)
    assert (folder / "tokenizer.json").read_bytes() == (NANO / "tokenizer.json").read_bytes()
    assert json.loads((folder / "config.json").read_text())["dtype"] == "bfloat16"


def test_another_vocabulary_keeps_its_own_tokenizer(tmp_path):
    vocabulary = json.loads((NANO / "tokenizer.json").read_text())["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    tokens[30], tokens[31] = tokens[31], tokens[30]
    folder = unpacked(gguf_toys.write(NANO, tmp_path / "nano.gguf", stated={"tokenizer.tokens": tokens}), tmp_path / "made", NANO)
    assert AutoTokenizer.from_pretrained(folder).convert_ids_to_tokens(30) == tokens[30]


def test_a_weight_that_is_not_in_the_file_is_named(tmp_path):
    path = gguf_toys.write(NANO, tmp_path / "nano.gguf", leave_out=("blk.1.ffn_up.weight",))
    with pytest.raises(InfrastructureError, match=r"weights of the model are not in it \(first: model\.layers\.1\.mlp\.up_proj"):
        unpacked(path, tmp_path / "made")


def test_a_tensor_that_loading_does_not_use_is_named(tmp_path):
    path = gguf_toys.write(NANO, tmp_path / "nano.gguf", beside={"blk.0.attn_extra.weight": numpy.ones(4, dtype=numpy.float32)})
    with pytest.raises(InfrastructureError, match=r"1 tensors belong to no weight of the model \(first: blk\.0\.attn_extra\.weight\)"):
        unpacked(path, tmp_path / "made")


def test_what_cannot_be_unpacked_is_refused_by_its_header(tmp_path):
    path = gguf_toys.write(NANO, tmp_path / "nano.gguf", stated={"attention.surprise": 7})
    with pytest.raises(UsageProblem, match=r"llama\.attention\.surprise = 7.*llama-server"):
        gguf.require_unpackable(gguf.read(path), has_base=True)


def test_a_file_without_a_base_needs_a_tokenizer_that_can_be_built(tmp_path):
    file = gguf.read(gguf_toys.write(NANO, tmp_path / "nano.gguf", stated={"tokenizer.pre": "unheard-of"}))
    gguf.require_unpackable(file, has_base=True)
    with pytest.raises(UsageProblem, match="unheard-of"):
        gguf.require_unpackable(file, has_base=False)


def test_a_model_larger_than_a_shard_is_written_in_parts_that_load_alike(tmp_path, monkeypatch):
    path = gguf_toys.write(NANO, tmp_path / "nano.gguf")
    whole = unpacked(path, tmp_path / "whole")
    monkeypatch.setattr(weights, "SHARD_BYTES", 2**21)
    parts = unpacked(path, tmp_path / "parts")
    assert len(list(parts.glob("model-*-of-00003.safetensors"))) == 3
    models = [AutoModelForCausalLM.from_pretrained(folder).state_dict() for folder in (whole, parts)]
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])
