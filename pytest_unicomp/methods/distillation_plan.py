"""The plan of a training, and the arguments of transformers' Trainer that follow from it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_unicomp.api.errors import UnicompError

if TYPE_CHECKING:
    from transformers import TrainingArguments

POINTS = 100
Schedule = Literal["cosine", "linear"]


@dataclass(frozen=True)
class Plan:
    """A plan of training: optimizer steps, rows per step over all processes, rows at once on a device (0: all), peak learning rate, warm-up steps,
    Adam's second beta, schedule ("cosine" falls to a tenth of the peak, "linear" to 0), bfloat16 or not, steps between checkpoints."""

    steps: int
    batch: int
    device_batch: int
    learning_rate: float
    warmup: int
    schedule: Schedule
    beta2: float
    bfloat16: bool
    save_every: int

    def shares(self, processes: int) -> tuple[int, int]:
        """Return rows at once per process and the number of such turns per step; raises UnicompError if `batch` cannot be divided so."""
        mine, rest = divmod(self.batch, processes)
        at_once = min(self.device_batch or mine, mine)
        if rest or not mine or mine % at_once:
            raise UnicompError(
                f"unicomp: a batch of {self.batch} rows cannot be shared by {processes} processes in turns of {self.device_batch or mine}; "
                "choose batch = processes x device_batch x a whole number."
            )
        return at_once, mine // at_once


def arguments(plan: Plan, folder: Path, *, seed: int, device: str) -> TrainingArguments:
    """Return the Trainer's arguments; `device` is "cpu", "cuda" or "cuda:N", and one process alone keeps to that one device."""
    import torch
    from transformers import TrainingArguments

    at_once, turns = plan.shares(world())
    every = log_interval(plan.steps)
    chosen = TrainingArguments(
        output_dir=str(folder),
        max_steps=plan.steps,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=turns,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="cosine_with_min_lr" if plan.schedule == "cosine" else "linear",
        lr_scheduler_kwargs={"min_lr_rate": 0.1} if plan.schedule == "cosine" else {},
        warmup_steps=plan.warmup,
        adam_beta2=plan.beta2,
        max_grad_norm=1.0,
        weight_decay=0.0,
        bf16=plan.bfloat16,
        use_cpu=device == "cpu",
        seed=seed,
        data_seed=seed,
        # A point of the curve is the mean since the one before, so a checkpoint may not fall between two.
        save_strategy="steps",
        save_steps=max(1, round(plan.save_every / every)) * every,
        save_total_limit=2,
        logging_strategy="steps",
        logging_steps=every,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_drop_last=True,
        dataloader_pin_memory=False,
        ddp_broadcast_buffers=False,
        ddp_find_unused_parameters=False,
    )
    if device.startswith("cuda") and world() == 1:
        # The Trainer would spread one process over every GPU it sees, beginning with the first; the run was given one of them.
        place = torch.device(device if ":" in device else f"{device}:0")
        chosen.__dict__["_setup_devices"] = place
        chosen.distributed_state.device = place
        chosen._n_gpu = 1
        torch.cuda.set_device(place)
    return chosen


def log_interval(steps: int) -> int:
    """Return the number of steps between two points of the curve: a divisor of `steps` that gives at most 100 points, or as near as may be."""
    least = math.ceil(steps / POINTS)
    return next((every for every in range(least, 2 * least + 1) if steps % every == 0), least)


def world() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))
