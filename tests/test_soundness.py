"""An artifact is sound only when a shipped checkpoint would be."""

import json

import pytest

from pytest_unicomp import soundness
from tests.toys import artifact


@pytest.fixture
def checkpoint(tmp_path):
    import torch
    from safetensors.torch import save_file

    def make(name, *, weight=None, tokens=("a",)):
        folder = tmp_path / name
        folder.mkdir()
        save_file({"model.layers.0.mlp.up_proj.weight": torch.ones(4, 8) if weight is None else weight}, folder / "model.safetensors")
        (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": list(tokens)}, "padding": name}))
        return folder

    return make


def test_a_plain_copy_is_sound(checkpoint):
    reference, copy = artifact(str(checkpoint("reference"))), artifact(str(checkpoint("copy")))
    assert soundness.problems(copy, reference) == []


def test_nan_infinity_and_a_foreign_tokenizer_are_each_named(checkpoint):
    import torch

    reference = artifact(str(checkpoint("reference")))
    weight = torch.ones(4, 8)
    weight[1, 1] = float("nan")
    found = soundness.problems(artifact(str(checkpoint("nan", weight=weight))), reference)
    assert found == ["weight model.layers.0.mlp.up_proj.weight holds NaN or infinity"]
    (foreign,) = soundness.problems(artifact(str(checkpoint("foreign", tokens=("b",)))), reference)
    assert "tokenizer.json differs" in foreign


def test_too_few_zeros_and_a_broken_pattern_are_found(checkpoint):
    import torch

    reference = artifact(str(checkpoint("reference")))
    kept = torch.tensor([[1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]])
    broken = torch.tensor([[1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]])
    settings = {"sparsity": 0.5, "pattern": "2:4"}
    sound = artifact(str(checkpoint("kept", weight=kept)), settings=settings, sparsity=0.5)
    assert soundness.problems(sound, reference) == []
    (pattern,) = soundness.problems(artifact(str(checkpoint("broken", weight=broken)), settings=settings, sparsity=0.5), reference)
    assert "breaks the 2:4 pattern" in pattern
    (few,) = soundness.problems(artifact(str(checkpoint("few", weight=kept)), settings={"sparsity": 0.5}, sparsity=0.25), reference)
    assert "25.00 %" in few


def test_a_quantized_model_that_did_not_shrink_is_found(checkpoint):
    reference = artifact(str(checkpoint("reference")), bytes=100)
    (problem,) = soundness.problems(artifact(str(checkpoint("same")), family="quantization", bytes=100), reference)
    assert "not fewer" in problem


def test_pickled_weights_are_refused(checkpoint):
    reference = artifact(str(checkpoint("reference")))
    folder = checkpoint("pickled")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    (problem,) = soundness.problems(artifact(str(folder)), reference)
    assert "pytorch_model.bin" in problem


def test_the_check_passes_without_problems_and_fails_with_one():
    found = {"recipe": "toy", "family": "pruning", "gates": True, "confidence": 0.9}
    assert soundness.check(artifact("x"), [], **found).verdict == "pass"
    failed = soundness.check(artifact("x"), ["it is broken"], **found)
    assert (failed.verdict, failed.reason) == ("fail", "it is broken")
