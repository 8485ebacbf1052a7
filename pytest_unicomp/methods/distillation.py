"""Train a student on its frozen teacher's next-token distribution with transformers' Trainer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from pytest_unicomp.registry import Progress

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, TrainingArguments


@dataclass(frozen=True)
class Distillation:
    """How to distil: optimizer steps, sequences per step, tokens per sequence, peak learning rate, warm-up steps and temperature.

    The rate falls along a cosine to a tenth of its peak (Minitron: 1e-4 to 1e-5, arXiv 2408.11796).
    """

    steps: int
    batch: int
    sequence: int
    learning_rate: float
    warmup: int
    temperature: float


def blocks(documents: Sequence[torch.Tensor], length: int, separator: int | None) -> list[list[int]]:
    """Join documents (1 x tokens each), `separator` between them unless it is there already, and cut into blocks of `length` tokens.

    A last piece that is shorter is dropped unless it is the only one.
    """
    joined: list[int] = []
    for document in documents:
        joined += document[0].tolist()
        if separator is not None and joined[-1] != separator:
            joined.append(separator)
    whole = [joined[start : start + length] for start in range(0, len(joined) - length + 1, length)]
    return whole or [joined]


def places(block: Sequence[int], separator: int | None) -> list[int]:
    """Return each token's position in its own document, counted from 0 after every separator.

    transformers' attention keeps documents apart where positions begin anew (masking_utils.find_packed_sequence_indices).
    """
    found, place = [], 0
    for token in block:
        found.append(place)
        place = 0 if token == separator else place + 1
    return found


def divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the mean forward KL(teacher || student) in nats of logits (... x vocabulary) softened by `temperature`, times its square.

    Hinton et al. 2015 (arXiv 1503.02531, section 2): the square keeps gradients of the same size at every temperature.
    """
    import torch.nn.functional as functional

    size = student.shape[-1]
    ours = functional.log_softmax(student.reshape(-1, size).float() / temperature, dim=-1)
    theirs = functional.log_softmax(teacher.reshape(-1, size).float() / temperature, dim=-1)
    return functional.kl_div(ours, theirs, reduction="batchmean", log_target=True) * temperature**2


def distil(
    student: PreTrainedModel,
    teacher: PreTrainedModel,
    data: Sequence[list[int]],
    how: Distillation,
    *,
    separator: int | None,
    seed: int,
    device: str,
    progress: Progress,
) -> list[float]:
    """Train `student` (float32) in place and return the divergence at every step; the same data and seed give the same student.

    Documents that share a block, parted by `separator`, do not see each other. `teacher` stays as it is. Both lie on `device`.
    Nothing is written: the Trainer's own folder is temporary.
    """
    import torch
    from transformers import Trainer, set_seed
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    teacher.requires_grad_(False)
    curve: list[float] = []

    class Distiller(Trainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
            with torch.no_grad():
                theirs = teacher(**inputs, use_cache=False).logits
            ours = model(**inputs, use_cache=False)
            value = divergence(ours.logits, theirs, how.temperature)
            curve.append(float(value.detach()))
            if len(curve) % 10 == 0 or len(curve) == how.steps:
                progress(f"distil step {len(curve)}/{how.steps}, divergence {curve[-1]:.3f}")
            return (value, ours) if return_outputs else value

    with tempfile.TemporaryDirectory() as folder:
        arguments = _arguments(how, folder, seed=seed, device=device)
        set_seed(seed)
        rows = [{"input_ids": torch.tensor(block)} for block in data]
        if "position_ids" in signature(teacher.forward).parameters:
            rows = [{**row, "position_ids": torch.tensor(places(block, separator))} for row, block in zip(rows, data, strict=True)]
        trainer = Distiller(model=student, args=arguments, train_dataset=rows)
        for callback in (PrinterCallback, ProgressCallback):
            trainer.remove_callback(callback)
        trainer.train()
    return curve


def _arguments(how: Distillation, folder: str, *, seed: int, device: str) -> TrainingArguments:
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=folder,
        max_steps=how.steps,
        per_device_train_batch_size=how.batch,
        learning_rate=how.learning_rate,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": 0.1},
        warmup_steps=how.warmup,
        max_grad_norm=1.0,
        weight_decay=0.0,
        bf16=device.startswith("cuda"),
        use_cpu=device == "cpu",
        seed=seed,
        data_seed=seed,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
