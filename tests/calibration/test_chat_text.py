from __future__ import annotations

import json
from pathlib import Path

from pytest_unicomp.api.records import Model
from pytest_unicomp.calibration import mixture
from pytest_unicomp.calibration.chat_text import in_own_form, plain, round_robin
from tests.calibration.toy_bundle import write
from tests.methods.tiny import save_tokenizer


def test_a_model_without_a_chat_template_gets_the_plain_words(model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    save_tokenizer(folder, template=None)
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 64, "model_type": "llama"}))
    file = write(tmp_path / "own.jsonl", [{"prompt": f"Why {n}? " * 60} for n in range(4)])
    own = mixture.build(str(file), model=model.model_copy(update={"path": str(folder)}), seed=0, bundle=None, samples=4)
    assert all(set(text.split()) <= {"Why", "Wh", "W", *(f"{n}{mark}" for n in range(4) for mark in ("", "?"))} for text in own.texts)


def test_turns_without_a_template_become_paragraphs() -> None:
    turns = ({"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."})
    assert in_own_form(turns, None) == plain(turns) == "Why?\n\nBecause."
    assert in_own_form("Why?", None) == "Why?"


def test_sources_come_in_turn_until_the_longest_ends() -> None:
    assert list(round_robin([["a", "b", "c"], [], ["1"]])) == ["a", "1", "b", "c"]
