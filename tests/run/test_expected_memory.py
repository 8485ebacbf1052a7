"""The weights of a model are counted from its configuration as transformers would make them, and a run that cannot hold them says so first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.plugin.opening import gigabytes, memory_lines
from pytest_unicomp.run import expected_memory
from pytest_unicomp.run.expected_memory import ExpectedMemory
from pytest_unicomp.run.expected_work import all_parameters, parameters
from pytest_unicomp.run.preflight import preflight

# Configurations as the hub spells them, of 0.1 to 70 B parameters.
LLAMA = {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32}
CONFIGS: dict[str, dict[str, Any]] = {
    "Llama-3.1-8B": {**LLAMA, "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": False},
    "Llama-3.1-70B": {
        **LLAMA,
        "hidden_size": 8192,
        "intermediate_size": 28672,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "tie_word_embeddings": False,
    },
    "Qwen2.5-0.5B": {
        "model_type": "qwen2",
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "vocab_size": 151936,
        "tie_word_embeddings": True,
    },
    "Mixtral-8x7B": {
        **LLAMA,
        "model_type": "mixtral",
        "num_key_value_heads": 8,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
        "vocab_size": 32000,
        "tie_word_embeddings": False,
    },
    "Qwen3-30B-A3B": {
        "model_type": "qwen3_moe",
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "moe_intermediate_size": 768,
        "num_hidden_layers": 48,
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "head_dim": 128,
        "num_experts": 128,
        "num_experts_per_tok": 8,
        "vocab_size": 151936,
        "tie_word_embeddings": False,
    },
}


@pytest.mark.parametrize("name", CONFIGS)
def test_the_weights_of_a_model_are_those_that_transformers_makes_within_half_a_percent(name: str) -> None:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**CONFIGS[name]))
    made = sum({id(each): each.numel() for each in model.parameters()}.values())
    assert all_parameters(CONFIGS[name]) == pytest.approx(made, rel=0.005)


def test_a_mixture_holds_all_experts_and_multiplies_with_few() -> None:
    config = CONFIGS["Mixtral-8x7B"]
    assert (all_parameters(config) or 0) > 3 * (parameters(config) or 0)


def test_a_configuration_without_the_sizes_of_a_decoder_is_not_guessed() -> None:
    assert all_parameters({"model_type": "gpt2", "n_embd": 768}) is None


def needed_for(tmp_path: Path, **settings: Any) -> ExpectedMemory | None:
    words = {"model": "nano", "recipe": ["rtn-w8a16"], "benchmark": ["nano-ethics"], "cache": str(tmp_path)}
    found = preflight(resolve({**words, **settings}, {}))
    return expected_memory.expected_memory(replace(found, config={**CONFIGS["Llama-3.1-8B"], "dtype": "bfloat16"}))


def test_a_model_of_eight_billion_takes_its_weights_in_the_dtype_of_the_work_and_a_pair_is_timed_in_its_own(tmp_path: Path) -> None:
    scored = needed_for(tmp_path, device="cpu")
    assert scored is not None
    assert (scored.dtype, scored.timed) == ("float32", None)
    assert scored.evaluated == pytest.approx(32.1e9, rel=0.01)
    timed = needed_for(tmp_path, device="cpu", benchmark=["nano-ethics", "decode-latency"], dtype="bfloat16")
    assert timed is not None
    assert (timed.evaluated, timed.timed) == (pytest.approx(16.06e9, rel=0.01), pytest.approx(32.1e9, rel=0.01))


@pytest.mark.parametrize(("free", "fits"), [(40_000_000_000, True), (16_000_000_000, False), (None, None)])
def test_a_run_that_cannot_hold_its_weights_says_so_and_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int | None, fits: bool | None
) -> None:
    monkeypatch.setattr(expected_memory.memory, "available_bytes", lambda device: free)
    needed = needed_for(tmp_path, device="cpu")
    assert needed is not None
    assert needed.fits is fits
    (line,) = memory_lines(needed)
    assert line.startswith("memory: at least 32.1 GB for a model that is evaluated in float32, batches on top")
    assert ("it does not fit; --device sharded" in line) is (fits is False)
    assert ("are free" in line) is (free is not None)


def test_nothing_is_said_of_a_server_s_memory() -> None:
    assert memory_lines(None) == []


def test_the_table_of_the_docs_is_what_the_formula_gives() -> None:
    page = Path(__file__).parents[2] / "docs" / "gpus.md"
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.read_text(encoding="utf-8").splitlines() if " GB |" in line
    ]
    assert len(rows) >= 4
    for name, evaluated, timed in rows:
        weights = all_parameters(CONFIGS[name])
        assert weights
        assert (evaluated, timed) == (gigabytes(2 * weights), gigabytes(4 * weights))
