from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.records import Model
from tests.calibration.toy_bundle import card, write
from tests.methods.tiny import checkpoint


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model that is not nano: only its tokenizer and its configuration are read."""
    folder = checkpoint(tmp_path_factory.mktemp("models") / "llama", layers=1, max_position_embeddings=64)
    return Model(name="some/model", path=str(folder), fingerprint="0" * 64, parameters=1, bytes=1)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ARC-Easy, GSM8K and WikiText-2 in hub layout, made up; no MATH, no C4."""
    root = tmp_path_factory.mktemp("bundle")
    for repository, configuration, rows in (
        ("allenai/ai2_arc", "ARC-Easy", [{"question": f"arc {n}?", "answerKey": "A"} for n in range(300)]),
        ("openai/gsm8k", "main", [{"question": f"gsm {n}?", "answer": f"secret {n}"} for n in range(300)]),
    ):
        write(root / repository / configuration / "train.jsonl", rows)
        card(root / repository, configuration)
    wikitext = root / "Salesforce" / "wikitext"
    write(wikitext / "wikitext-2-v1" / "validation.jsonl", [{"text": f"line {n} of some article"} for n in range(400)])
    card(wikitext, "wikitext-2-v1", "validation")
    return root
