"""Of a vision-language model the language part is evaluated on texts, whatever class transformers has for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp import engine
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.checkpoints import checks
from pytest_unicomp.engine.model_probe import probe
from tests.engine import vision_toys


@pytest.fixture(scope="module", params=vision_toys.PARTS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vision_toys.checkpoint(tmp_path_factory.mktemp("vision") / request.param, request.param)


def test_texts_are_scored_with_shared_prefixes_and_generated_in_batches(folder: Path) -> None:
    loaded = engine.load(folder, device="cpu", dtype="auto")
    found = probe(loaded.model)
    assert (found.reason, found.batched_generation) == (None, True)
    assert loaded.max_length == 256


def test_the_vision_part_has_no_say_in_a_text(folder: Path) -> None:
    import torch

    model = engine.load(folder, device="cpu", dtype="auto").model
    tokens = torch.arange(3, 60)[None]
    with torch.inference_mode():
        before = model(tokens).logits
        for name, parameter in model.named_parameters():
            if "vision" in name or "visual" in name:
                parameter.fill_(float("nan"))
        assert torch.equal(model(tokens).logits, before)


def test_a_lost_weight_of_the_vision_part_is_noticed_too(folder: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(folder, tmp_path / "copy")
    weights = load_file(copy / "model.safetensors")
    lost = next(name for name in weights if "vision" in name or "visual" in name)
    save_file({name: tensor for name, tensor in weights.items() if name != lost}, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InfrastructureError, match="lacks 1 weights"):
        engine.load(copy, device="cpu", dtype="auto")


def test_the_checks_of_files_know_its_parts(folder: Path) -> None:
    assert {finding.check: finding.found for finding in checks.inspect(folder, folder) if finding.status == "fail"} == {}
