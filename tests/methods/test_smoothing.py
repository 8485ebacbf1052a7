from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp.methods.awq import Awq
from pytest_unicomp.methods.compressor import apply
from pytest_unicomp.methods.smoothing import NORMS, awq_mappings, norm_mappings
from pytest_unicomp.methods.smoothquant import SmoothQuant
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.tokens import encode
from tests.methods.tiny import calibration, checkpoint, load, run


@pytest.fixture(scope="module", params=sorted(NORMS))
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model whose norms and biases are uneven, with two inputs that stand out: fresh ones are flat and would hide a misplaced scale."""
    folder = checkpoint(tmp_path_factory.mktemp("smoothing") / request.param, request.param)
    model = load(folder)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                weight += 0.3 * torch.rand(weight.shape, generator=draw)
                if "norm" in name and weight.numel() == 128 and name.endswith("weight"):
                    weight[[3, 40]] += 8.0
    model.save_pretrained(folder)
    return folder


def logits(model: Any) -> torch.Tensor:
    ids = torch.randint(3, 250, (4, 48), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        return model(input_ids=ids).logits


def test_smoothing_moves_scales_and_leaves_the_model_what_it_is(source: Path) -> None:
    dense, model = load(source), load_model(source)
    apply(SmoothQuant().smoothing(model), model, source, documents=encode(source, calibration(), recipe="test"), seed=0)
    before, after = dense.state_dict(), model.state_dict()
    moved = [name for name in before if not torch.allclose(before[name], after[name], rtol=1e-3, atol=1e-5)]
    assert len([name for name in moved if "norm" in name and name.endswith("weight")]) == 2 * 2
    torch.testing.assert_close(logits(model), logits(dense), rtol=1e-3, atol=1e-3)


def test_awq_at_eight_bits_moves_scales_and_errs_no_more_than_plain_rounding(source: Path, tmp_path: Path) -> None:
    dense, model = load(source), load(run(Awq(bits=8), source, tmp_path / "out", calibration()))
    before, after = dense.state_dict(), model.state_dict()
    assert any(not torch.allclose(before[name], after[name], rtol=1e-3, atol=1e-5) for name in before if "norm" in name)
    rounded = load(run("rtn-w8a16", source, tmp_path / "rounded"))
    scaled, plain = (float((logits(other) - logits(dense)).pow(2).mean()) for other in (model, rounded))
    assert scaled < 1.5 * plain


def test_every_mapping_names_layers_that_the_architecture_has(source: Path) -> None:
    import re

    model = load_model(source)
    names = [name for name, _ in model.named_modules()]
    mappings = [*norm_mappings(model), *awq_mappings(model)]
    for pattern in {pattern for first, others in mappings for pattern in (first, *others)}:
        assert len([name for name in names if re.match(pattern.removeprefix("re:"), name)]) == 2, pattern
