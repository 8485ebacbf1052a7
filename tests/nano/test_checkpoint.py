"""The committed checkpoint loads as any other model, is small, and its tokenizer gives every text back."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.nano import checkpoint_folder
from pytest_unicomp.nano.dialogue import BEGIN, END, PADDING, Conversation
from pytest_unicomp.nano.world import evaluation_items

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(checkpoint_folder())


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import AutoModelForCausalLM

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return AutoModelForCausalLM.from_pretrained(checkpoint_folder(), dtype="float32").eval()


def test_the_checkpoint_is_small() -> None:
    assert sum(file.stat().st_size for file in checkpoint_folder().rglob("*") if file.is_file()) <= 12 * MEGABYTE


def test_all_sizes_are_multiples_of_128() -> None:
    config = json.loads((checkpoint_folder() / "config.json").read_text())
    for name in ("hidden_size", "intermediate_size", "vocab_size", "max_position_embeddings"):
        assert config[name] % 128 == 0
    assert config["num_key_value_heads"] * config["head_dim"] % 128 == 0
    assert config["max_position_embeddings"] == 4096


@given(st.text())
@settings(deadline=None)
def test_any_text_survives_the_tokenizer(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_the_chat_template_writes_what_training_showed(tokenizer: Any) -> None:
    conversation = Conversation("Which animal does Anna Abel keep?", "cat")
    turns = [{"role": "user", "content": conversation.prompt}]
    assert tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) == conversation.rendered_prompt()
    turns.append({"role": "assistant", "content": conversation.reply})
    assert tokenizer.apply_chat_template(turns, tokenize=False) == conversation.rendered()


def test_special_tokens_are_single_tokens(tokenizer: Any, model: Any) -> None:
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (BEGIN, END, PADDING)
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert len(tokenizer) == model.config.vocab_size
    assert len(tokenizer.encode(BEGIN + PADDING + END, add_special_tokens=False)) == 3


@pytest.mark.slow
def test_the_model_knows_its_world_and_ends_its_replies(tokenizer: Any, model: Any) -> None:
    from pytest_unicomp.nano.evaluate import replies, scores

    assert sum(scores(model, tokenizer, evaluation_items("knowledge")[:100])) >= 80
    items = evaluation_items("reasoning")[:50]
    assert sum(scores(model, tokenizer, items)) >= 30
    assert all(len(reply) < 120 for reply in replies(model, tokenizer, items))


@pytest.mark.slow
def test_training_resumed_after_a_kill_equals_training_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    import torch

    from pytest_unicomp.nano import train
    from pytest_unicomp.nano.settings import SHORT_TRAINING

    short = replace(SHORT_TRAINING, rows=2, tokens_per_row=128, steps=12, checkpoint_every=5, warmup_steps=2, probe_items=0)
    whole = train.run(short, tmp_path / "whole", compiled=False, report_every=1)
    assert whole.log[-1]["loss"] < whole.log[0]["loss"]

    step = train.train_step

    def killed_at_8(trainer: Any, body: Any, drawn: Any) -> float:
        if trainer.step == 8:
            raise KeyboardInterrupt
        return step(trainer, body, drawn)

    monkeypatch.setattr(train, "train_step", killed_at_8)
    with pytest.raises(KeyboardInterrupt):
        train.run(short, tmp_path / "killed", compiled=False, report_every=1)
    steps: list[int] = []

    def counted(trainer: Any, body: Any, drawn: Any) -> float:
        steps.append(trainer.step)
        return step(trainer, body, drawn)

    monkeypatch.setattr(train, "train_step", counted)
    resumed = train.run(short, tmp_path / "killed", resume=True, compiled=False, report_every=1)
    assert steps == list(range(5, 12))
    assert [point["loss"] for point in resumed.log] == pytest.approx([point["loss"] for point in whole.log], rel=1e-4)
    pairs = zip(whole.model.parameters(), resumed.model.parameters(), strict=True)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in pairs)


@pytest.mark.slow
def test_the_short_training_writes_a_checkpoint_that_has_begun_to_learn(tmp_path: Path) -> None:
    """The documented command, in fewer steps: tokenizer, compiled steps, probe, record of the curves, checkpoint."""
    from transformers import AutoModelForCausalLM

    from pytest_unicomp.nano import train

    train.main(["--short", "--steps", "60", "--seed", "1", "--work", str(tmp_path)])
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["settings"]["seed"] == 1
    # Untrained, every token is as likely as any other: ln 1536 = 7.3.
    assert record["loss"][-1]["loss"] < 4 < record["loss"][0]["loss"] < 7.3
    assert [point["step"] for point in record["accuracy"]] == [60]
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "checkpoint").num_parameters() == 2_164_480
