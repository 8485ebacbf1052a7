from __future__ import annotations

from pathlib import Path

import torch

from pytest_unicomp.api.registry import methods
from pytest_unicomp.methods.block_progress import blocks_reported
from tests.methods.tiny import calibration, job, load


def test_each_block_is_reported_once_when_text_reaches_it(llama: Path) -> None:
    model, said = load(llama), []
    tokens = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        before = model(input_ids=tokens).logits
        with blocks_reported(model, "toy", said.append):
            inside = model(input_ids=tokens).logits
            model(input_ids=tokens)
        model(input_ids=tokens)
    assert said == ["toy: block 1 of 2", "toy: block 2 of 2"]
    assert torch.equal(before, inside)
    assert not any(block._forward_pre_hooks for block in model.model.layers)


def test_a_calibrated_recipe_says_which_block_it_works_at(llama: Path, tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "out").mkdir()
    methods()["gptq-w4a16"].compress(job(llama, tmp_path / "out", calibration(), scratch=tmp_path, progress=said.append))
    assert said == ["gptq: 8 calibration documents", "gptq: block 1 of 2", "gptq: block 2 of 2"]
