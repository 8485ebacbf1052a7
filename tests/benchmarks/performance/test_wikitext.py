"""WikiText-2 is cut into fixed blocks, each scored on its own; a substitute for the raw text is reported."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pytest_unicomp.benchmarks.performance import wikitext
from pytest_unicomp.engine import Engine
from tests.engine.toy_engine import evaluation, tiny_engine


def test_fixed_blocks_of_a_model_without_preferences_cost_the_log_of_its_vocabulary(tiny: Engine, hub: Path, tmp_path: Path) -> None:
    import torch

    flat = tiny_engine(tmp_path / "flat", max_position_embeddings=512)
    with torch.no_grad():
        flat.model.get_input_embeddings().weight.zero_()
    scored = wikitext.BENCHMARKS["wikitext2-perplexity"].score(flat, evaluation(hub, limit=3))
    assert [item.score for item in scored.items] == pytest.approx([math.log(259)] * 3, rel=1e-5)
    assert scored.generation == {"block": 512}


def test_the_tokenized_text_stands_in_for_the_raw_one_and_is_reported(tmp_path: Path) -> None:
    entry = wikitext.BENCHMARKS["wikitext2-perplexity"]
    (tmp_path / "Salesforce/wikitext/wikitext-2-v1").mkdir(parents=True)
    assert entry.substitution(evaluation()) is None
    assert "the tokenized wikitext-2-v1 is used" in str(entry.substitution(evaluation(tmp_path)))
    (tmp_path / "Salesforce/wikitext/wikitext-2-raw-v1").mkdir()
    assert entry.substitution(evaluation(tmp_path)) is None
