"""What a training needs is known before its first step, and vocabulary-wide tensors are kept small without another result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.methods import distillation_loss, distillation_memory, teaching
from pytest_unicomp.methods.depth import quality
from pytest_unicomp.methods.distillation_loss import chunks, cross_entropy, divergence
from pytest_unicomp.methods.distillation_memory import training_bytes
from pytest_unicomp.methods.teaching import batches, logits, run_decoder
from tests.methods.test_distillation import PLAN, rows, trained
from tests.methods.tiny import load


@given(st.integers(0, 500), st.integers(1, 40), st.integers(1, 4000))
def test_chunks_cover_every_position_once_and_none_is_larger_than_the_bound_unless_it_is_one_position(
    positions: int, vocabulary: int, bound: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distillation_loss, "CHUNK_BYTES", bound)
        found = list(chunks(positions, vocabulary))
    assert [place for part in found for place in range(part.start, part.stop)] == list(range(positions))
    assert all(4 * vocabulary * (part.stop - part.start) <= max(bound, 4 * vocabulary) for part in found)


@given(st.integers(0, 2**31), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_losses_and_their_gradients_are_the_same_in_chunks(seed: int, positions: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    student, teacher = (torch.randn(positions, 7, generator=draw) for _ in range(2))
    targets = torch.randint(0, 7, (positions,), generator=draw)
    found = []
    for bound in (2**28, 4 * 7 * 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(distillation_loss, "CHUNK_BYTES", bound)
            ours = student.clone().requires_grad_()
            losses = divergence(ours, teacher, 2.0), cross_entropy(ours, targets)
            (losses[0] + losses[1]).backward()
            found.append((*(float(loss.detach()) for loss in losses), ours.grad))
    assert found[0][:2] == pytest.approx(found[1][:2], rel=1e-5, abs=1e-6)
    torch.testing.assert_close(found[0][2], found[1][2])


def test_few_rows_go_through_at_once_if_they_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    device = torch.device("cpu")
    assert [len(some["input_ids"]) for some in batches(rows(12), device)] == [8, 4]
    monkeypatch.setattr(teaching, "TOKENS_AT_ONCE", 64)
    assert [len(some["input_ids"]) for some in batches(rows(5, length=32), device)] == [2, 2, 1]
    assert [len(some["input_ids"]) for some in batches(rows(2, length=100), device)] == [1, 1]
    assert list(batches([], device)) == []


def test_the_quality_of_a_model_does_not_depend_on_the_chunks(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(llama).float()
    whole = quality(model, rows())
    monkeypatch.setattr(distillation_loss, "CHUNK_BYTES", 4 * 300 * 5)
    found = quality(model, rows())
    assert found.accuracy == whole.accuracy
    assert found.loss == pytest.approx(whole.loss, rel=1e-6)


def test_the_decoder_is_run_as_within_the_model_and_without_its_head(llama: Path) -> None:
    model = load(llama).float()
    (inputs,) = batches(rows(4), model.device)
    seen: list[torch.Tensor] = []
    heads: list[int] = []
    model.model.norm.register_forward_hook(lambda module, given, found: seen.append(found))
    model.lm_head.register_forward_hook(lambda module, given, found: heads.append(1))
    with torch.inference_mode():
        run_decoder(model, inputs)
        assert heads == []
        logits(model, inputs)
    assert torch.equal(*seen)


def test_the_bytes_of_a_training_are_those_of_the_formula_by_hand(llama: Path) -> None:
    student = load(llama).float()
    trained_numbers = sum(each.numel() for each in student.parameters())
    vocabulary = student.config.vocab_size
    assert training_bytes(student, rows=2, tokens=32, width=4) == 12 * trained_numbers + 3 * 4 * 2 * 32 * vocabulary
    student.lm_head.weight.requires_grad_(False)
    assert training_bytes(student, rows=2, tokens=32, width=4) < 12 * trained_numbers + 3 * 4 * 2 * 32 * vocabulary


def test_a_training_that_cannot_fit_is_refused_before_its_first_step(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distillation_memory.memory, "available_bytes", lambda device: 1000)
    with pytest.raises(
        InfrastructureError, match=r"test needs at least \d+\.\d\d GB beside the models, .* free on cpu; a smaller device_batch"
    ):
        trained(llama, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    monkeypatch.setattr(distillation_memory.memory, "available_bytes", lambda device: None)
    assert trained(llama, tmp_path / "unknown", replace(PLAN, steps=1))[1]
