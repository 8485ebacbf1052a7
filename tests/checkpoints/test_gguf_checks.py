from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from pytest_unicomp.checkpoints import gguf_checks
from pytest_unicomp.checkpoints.hub import NANO
from tests.checkpoints.gguf import gguf_toys


def failed(path: Path, base: Path = NANO) -> dict[str, str]:
    return {finding.check: finding.found for finding in gguf_checks.inspect(path, base) if finding.status == "fail"}


def swapped() -> list[str]:
    vocabulary = json.loads((NANO / "tokenizer.json").read_text())["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    tokens[30], tokens[31] = tokens[31], tokens[30]
    return tokens


def test_a_sound_file_passes_every_check(tmp_path):
    findings = gguf_checks.inspect(gguf_toys.write(NANO, tmp_path / "nano.gguf"), NANO)
    assert {finding.status for finding in findings} == {"pass"}
    assert next(finding.found for finding in findings if finding.check == "bits").startswith("8.5")


@pytest.mark.parametrize(
    ("changed", "check", "found"),
    [
        ({"stated": {"rope.freq_base": 500000.0}}, "architecture", "rope"),
        ({"stated": {"attention.layer_norm_rms_epsilon": 0.01}}, "architecture", "rms_norm_eps is"),
        ({"leave_out": ("blk.1.ffn_up.weight",)}, "tensors", "blk.1.ffn_up.weight is missing"),
        ({"beside": {"blk.0.attn_q.scale": numpy.ones(2)}}, "tensors", "blk.0.attn_q.scale belongs to no weight"),
        ({"beside": {"output.weight": numpy.random.default_rng(0).normal(size=(1536, 256))}}, "tied-head", "beside other embeddings"),
        ({"stated": {"tokenizer.tokens": swapped()}}, "vocabulary", "id 30 is"),
        ({"stated": {"tokenizer.merges": gguf_toys.merges_of(NANO)[::-1]}}, "encoding", " becomes "),
        ({"stated": {"tokenizer.eos": 0}}, "special-tokens", "generation ends at ['<|pad|>']"),
        ({"stated": {"tokenizer.add_bos": True}}, "special-tokens", "it adds the begin token"),
        ({"leave_out": ("chat_template",)}, "chat-template", "it holds no chat template"),
        ({"stated": {"tokenizer.template": "{{ messages[0].content }}"}}, "chat-template", "a chat becomes"),
        ({"beside": {"blk.0.attn_norm.weight": numpy.full(256, numpy.nan)}}, "finite", "blk.0.attn_norm.weight (F32) holds 256 numbers"),
    ],
)
def test_a_fault_is_found_by_its_check(tmp_path, changed: dict[str, Any], check, found):
    problems = failed(gguf_toys.write(NANO, tmp_path / "nano.gguf", **changed))
    assert found in problems[check].replace('"', "'")


def test_a_head_that_only_repeats_the_embeddings_is_the_same_model(tmp_path):
    head = gguf_toys.tensors_of(NANO)["token_embd.weight"]
    assert "tied-head" not in failed(gguf_toys.write(NANO, tmp_path / "nano.gguf", beside={"output.weight": head}))
