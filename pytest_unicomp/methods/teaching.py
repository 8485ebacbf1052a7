"""Runs teacher and student on the same rows: batches, next-token logits, and the objectives that compare them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

from pytest_unicomp.methods.distillation import Objective
from pytest_unicomp.methods.distillation_loss import cross_entropy, divergence
from pytest_unicomp.methods.distillation_text import Row

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

AT_ONCE = 8
TOKENS_AT_ONCE = 8192


def batches(rows: Sequence[Row], device: torch.device) -> Iterator[dict[str, torch.Tensor]]:
    """Yield up to eight rows at a time, of up to 8,192 tokens but one row at least, as tensors (rows x tokens): input_ids, position_ids, learned, text."""
    import torch

    at_once = max(1, min(AT_ONCE, TOKENS_AT_ONCE // max(1, len(rows[0].tokens)))) if rows else AT_ONCE
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        yield {
            "input_ids": torch.tensor([row.tokens for row in some], device=device),
            "position_ids": torch.tensor([row.places for row in some], device=device),
            "learned": torch.tensor([row.learned for row in some], device=device),
            "text": torch.tensor([row.text for row in some], device=device),
        }


def logits(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return next-token logits (rows x tokens x vocabulary); documents in a row do not see each other if the model takes positions."""
    found: torch.Tensor = model(**_given(model, inputs), use_cache=False).logits
    return found


def run_decoder(model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> None:
    """Run all of the model but its head, for hooks on what is inside: the logits of a batch may take more memory than all else."""
    decoder = model.base_model
    decoder(**_given(decoder, inputs), use_cache=False)


def _given(model: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    names = ("input_ids", "position_ids") if "position_ids" in signature(model.forward).parameters else ("input_ids",)
    return {name: inputs[name] for name in names}


def imitation(teacher: PreTrainedModel, temperature: float) -> Objective:
    """Return Minitron's objective: forward KL of the student to `teacher` (frozen) on the logits alone."""
    import torch

    teacher.requires_grad_(False)

    def objective(student: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        learned = inputs["learned"]
        with torch.no_grad():
            theirs = logits(teacher, inputs)[learned]
        return {"loss": divergence(logits(student, inputs)[learned], theirs, temperature)}

    return objective


def language_modelling(student: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the next-token loss of the student itself: the objective of teacher correction."""
    learned = inputs["learned"][:, :-1]
    return {"loss": cross_entropy(logits(student, inputs)[:, :-1][learned], inputs["input_ids"][:, 1:][learned])}
