from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from pytest_unicomp import engine
from pytest_unicomp.checkpoints import gguf, gguf_checks

pytestmark = [pytest.mark.real, pytest.mark.slow]
RECORDED = Path(__file__).parent / "llama_cpp"
MODELS = [("smollm2", "smollm2-135m-instruct-q4_1.json"), ("gemma3", "gemma-3-270m-q4_k_m.json")]
# llama.cpp rounds activations to 8 bits before it multiplies quantized weights; measured: 0.10 and 0.08 nats a token on average.
ACTIVATION_ROUNDING = 0.2


@pytest.fixture(params=MODELS, ids=[name for name, _ in MODELS])
def model(request: pytest.FixtureRequest) -> tuple[Path, Any]:
    fixture, recorded = request.param
    return request.getfixturevalue(fixture), json.loads((RECORDED / recorded).read_text(encoding="utf-8"))


def test_every_text_becomes_the_tokens_of_llama_cpp(model, unpacked):
    path, recorded = model
    made = AutoTokenizer.from_pretrained(unpacked(path))
    assert made("x")["input_ids"][:-1] == recorded["begin"]
    for row in recorded["texts"]:
        assert made.encode(row["text"], add_special_tokens=False) == row["tokens"], row["text"]


def test_log_likelihoods_are_those_of_llama_cpp_but_for_its_rounding_of_activations(model, unpacked):
    path, recorded = model
    loaded = engine.load(unpacked(path), device="cpu", dtype="auto")
    differences = []
    for row in recorded["texts"]:
        if "log_likelihoods" not in row:
            continue
        tokens = torch.tensor([*recorded["begin"], *row["tokens"]])
        with torch.no_grad():
            mine = loaded.model(tokens[None]).logits[0].float().log_softmax(-1)[:-1].gather(1, tokens[1:, None])[:, 0]
        differences += (mine - torch.tensor(row["log_likelihoods"])).tolist()
    assert len(differences) > 200
    assert statistics.fmean(map(abs, differences)) < ACTIVATION_ROUNDING
    # Rounding has no direction: the mean difference is far below the mean size of one.
    assert abs(statistics.fmean(differences)) < ACTIVATION_ROUNDING / 4


def test_the_file_passes_its_checks_against_what_it_unpacks_to(model, unpacked):
    path, _ = model
    findings = gguf_checks.inspect(path, unpacked(path))
    assert [finding for finding in findings if finding.status == "fail"] == []


def test_the_end_token_is_the_files(smollm2, unpacked):
    assert gguf.read(smollm2).metadata["tokenizer.ggml.eos_token_id"] == 2
    assert AutoTokenizer.from_pretrained(unpacked(smollm2)).eos_token == "<|im_end|>"
