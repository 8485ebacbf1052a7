"""Train a student on transformers' Trainer: many processes, checkpoints that a kill leaves whole, the same bytes for the same data and seed."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Progress
from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods.distillation_memory import require_memory
from pytest_unicomp.methods.distillation_plan import Plan, arguments, log_interval, world
from pytest_unicomp.methods.distillation_text import Row

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, Trainer

WHOLE = "whole"
Objective = Callable[[Any, Mapping[str, Any]], dict[str, Any]]


def train(
    student: PreTrainedModel,
    objective: Objective,
    rows: Sequence[Row],
    plan: Plan,
    *,
    seed: int,
    device: str,
    folder: Path,
    progress: Progress,
    what: str,
) -> list[dict[str, float]]:
    """Train what requires gradients in `student` (float32) in place and return the loss curve: at most about 100 points of step, learning
    rate, loss and its terms, each the mean since the point before.

    `objective(student, inputs)` returns "loss", a scalar that is minimized, and any other terms to be recorded. Checkpoints go into `folder`;
    if it holds a complete one, training resumes from there along the same curve. Under torchrun or accelerate launch every process
    calls this with the same arguments. Raises InfrastructureError if the loss is not finite, and, before the first step, if the device lacks memory.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last = _last_whole(folder)
    if last is not None and int(last.name.rpartition("-")[2]) == plan.steps:
        _load(student, last)
        return _curve(json.loads((last / "trainer_state.json").read_text(encoding="utf-8"))["log_history"])
    if _rank() == 0:
        for partial in folder.glob("checkpoint-*"):
            if last is None or not (partial / WHOLE).exists():
                shutil.rmtree(partial)
    require_memory(student, plan, rows=plan.shares(world())[0], tokens=len(rows[0].tokens), device=device, what=what)
    with quiet_with_captured_output():
        from transformers import set_seed

        set_seed(seed)
        trainer = _trainer(student, objective, rows, plan, seed=seed, device=device, folder=folder, progress=progress, what=what)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        curve = _curve(trainer.state.log_history)
        # The wrapper that several processes train in is dropped with the trainer; the weights are the student's own.
        student.eval()
    return curve


def _trainer(
    student: torch.nn.Module,
    objective: Objective,
    rows: Sequence[Row],
    plan: Plan,
    *,
    seed: int,
    device: str,
    folder: Path,
    progress: Progress,
    what: str,
) -> Trainer:
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    lesson = _lesson(student, objective)
    trainer = _trainer_class(student, lesson.terms, log_interval(plan.steps))(
        model=lesson,
        args=arguments(plan, folder, seed=seed, device=device),
        train_dataset=_dataset(rows, plan.batch),
        callbacks=[_callback(plan, progress, what, tokens_per_step=plan.batch * len(rows[0].tokens))],
    )
    trainer.model_accepts_loss_kwargs = False
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    return trainer


def _lesson(student: torch.nn.Module, objective: Objective) -> Any:
    from torch import nn

    class Lesson(nn.Module):
        """Student and objective as one module, so that several processes exchange gradients whatever the objective does."""

        def __init__(self) -> None:
            super().__init__()
            self.student = student
            self.terms: dict[str, torch.Tensor] = {}

        def forward(self, **inputs: Any) -> dict[str, Any]:
            found = objective(self.student, inputs)
            for name, value in found.items():
                # They stay on the device until they are logged: to read a number makes the host wait for all that is queued.
                term = value.detach().double()
                self.terms[name] = self.terms[name] + term if name in self.terms else term
            return {"loss": found["loss"]}

    return Lesson()


def _trainer_class(student: torch.nn.Module, terms: dict[str, torch.Tensor], every: int) -> type[Trainer]:
    """Return a Trainer that saves and loads only what is trained, and logs the mean of each of the `terms`, which it then clears, over `every` steps."""
    from safetensors.torch import save_file
    from transformers import Trainer

    class Distiller(Trainer):  # type: ignore[misc]
        def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
            turns = every * self.args.gradient_accumulation_steps
            if "loss" in logs:
                logs |= {name: float(value) / turns for name, value in terms.items() if name != "loss"}
            terms.clear()
            super().log(logs, start_time)

        def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
            # Only what is trained: a clone's teacher is not kept again, and tied weights, which safetensors refuses, are kept once.
            assert output_dir is not None
            Path(output_dir).mkdir(parents=True, exist_ok=True)
            kept = {name: value.detach().contiguous() for name, value in student.named_parameters() if value.requires_grad}
            save_file(kept, str(Path(output_dir) / "model.safetensors"))

        def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
            _load(student, Path(resume_from_checkpoint))

    return Distiller


def _callback(plan: Plan, progress: Progress, what: str, *, tokens_per_step: int) -> Any:
    from transformers import TrainerCallback

    class Watcher(TrainerCallback):  # type: ignore[misc]
        """Reports progress, stops training if it diverges, and marks complete checkpoints."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            self.started, self.first = time.perf_counter(), state.global_step

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **more: Any) -> None:
            if "loss" not in logs:
                return
            if not (math.isfinite(logs["loss"]) and math.isfinite(logs.get("grad_norm", 0.0))):
                raise InfrastructureError(
                    f"unicomp: {what} diverged: the loss is {logs['loss']} at step {state.global_step}, expected a finite number; "
                    "lower learning_rate or raise warmup in the recipe's settings."
                )
            if state.is_world_process_zero:
                done = state.global_step - self.first
                speed = done * tokens_per_step / (time.perf_counter() - self.started)
                left = (plan.steps - state.global_step) * tokens_per_step / speed / 60
                progress(
                    f"{what}: step {state.global_step}/{plan.steps}, loss {logs['loss']:.4f}, learning rate {logs['learning_rate']:.2e}, "
                    f"{speed:.0f} tokens/s, {left:.1f} min left"
                )

        def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.is_world_process_zero:
                (Path(args.output_dir) / f"checkpoint-{state.global_step}" / WHOLE).touch()

    return Watcher()


def _dataset(rows: Sequence[Row], batch: int) -> Any:
    import torch

    class Rows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
        """Makes tensors of a row when it is its turn: all at once would take four times the memory of the text."""

        def __len__(self) -> int:
            # A text shorter than one batch is repeated until it fills one.
            return len(rows) * math.ceil(batch / len(rows))

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            row = rows[index % len(rows)]
            return {
                "input_ids": torch.tensor(row.tokens),
                "position_ids": torch.tensor(row.places),
                "learned": torch.tensor(row.learned),
                "text": torch.tensor(row.text),
            }

    return Rows()


def _last_whole(folder: Path) -> Path | None:
    found = [mark.parent for mark in folder.glob(f"checkpoint-*/{WHOLE}")]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _load(student: torch.nn.Module, checkpoint: Path) -> None:
    import torch
    from safetensors.torch import load_file

    kept = load_file(checkpoint / "model.safetensors")
    with torch.no_grad():
        for name, value in student.named_parameters():
            if value.requires_grad:
                value.copy_(kept[name])


def _curve(history: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Return the Trainer's log without what depends on the clock, keys in one order: a log read back from a file has them sorted."""
    return [
        {key: point[key] for key in ("step", *sorted(point)) if key not in ("epoch", "grad_norm")} for point in history if "loss" in point
    ]


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))
