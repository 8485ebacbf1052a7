"""Minitron: cut a model smaller, then distil the rest from the original (arXiv 2407.14679, 2408.11796); depth and width share this file."""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods.distillation import train
from pytest_unicomp.methods.distillation_architectures import not_distilled
from pytest_unicomp.methods.distillation_launch import launched
from pytest_unicomp.methods.distillation_settings import Training
from pytest_unicomp.methods.distillation_text import Text
from pytest_unicomp.methods.source import copy_companions, load_model
from pytest_unicomp.methods.teaching import imitation, language_modelling

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHOICE = "choice.json"
BETA2 = 0.95


@dataclass(frozen=True)
class Minitron(Training):
    """The settings of both cuts: forward KL at `temperature` after `correction` steps of next-token training of the teacher (0: none).

    The learning rate falls along a cosine to a tenth (1e-4 to 1e-5, arXiv 2408.11796). Of the temperatures tried there, 1 served best
    (arXiv 2407.14679). `correction_rate` is, like `learning_rate`, that of a model 4096 wide. `judged` rows of text decide what goes.
    """

    temperature: float = 1.0
    judged: int = 32
    correction: int = 0
    correction_rate: float = 1e-6

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse what cannot be distilled at all; a cut may refuse more."""
        return not_distilled(config)

    @abstractmethod
    def choose(self, teacher: PreTrainedModel, text: Text) -> dict[str, Any]:
        """Choose the layers to drop or the channels to keep; return the choice as JSON values for `cut`."""

    @abstractmethod
    def cut(self, teacher: PreTrainedModel, choice: Mapping[str, Any], scratch: Path) -> PreTrainedModel:
        """Return the smaller model, float32, on the CPU."""

    @launched
    def compress(self, job: CompressionJob) -> None:
        """Write the smaller checkpoint in the reference's dtype, and distillation.json with the choice, the text and the loss curve.

        Raises UnicompError if the reference is quantized already, if calibration text is missing or too short, and if nothing would be left;
        InfrastructureError if training diverges.
        """
        import torch

        device, scratch = job.device, job.scratch
        text = self.text(job)
        teacher = load_model(job.source)
        dtype = teacher.dtype
        width = teacher.config.get_text_config(decoder=True).hidden_size
        plan = self.plan(width, device, schedule="cosine", beta2=BETA2)
        record: dict[str, Any] = {"text": text.record}
        with quiet_with_captured_output():
            if self.correction:
                teacher = teacher.float().to(device)
                lighter = self.plan(width, device, schedule="cosine", beta2=BETA2, steps=self.correction, rate=self.correction_rate)
                record["correction"] = train(
                    teacher,
                    language_modelling,
                    text.rows,
                    lighter,
                    seed=job.seed,
                    device=device,
                    folder=scratch / "correction",
                    progress=job.progress,
                    what=f"{self.method}: teacher correction",
                )
            # Products in bfloat16 read a teacher in bfloat16 without converting it at every step.
            teacher = (teacher.to(torch.bfloat16) if plan.bfloat16 else teacher.float()).to(device)
            choice = self._chosen(teacher, text, scratch)
            job.progress(f"{self.method}: {choice['summary']}")
            student = self.cut(teacher, choice, scratch).to(device)
            record["choice"] = choice
            record["curve"] = train(
                student,
                imitation(teacher, self.temperature),
                text.rows,
                plan,
                seed=job.seed,
                device=device,
                folder=scratch / "student",
                progress=job.progress,
                what=self.method,
            )
            student.to(dtype).save_pretrained(job.destination)
        (job.destination / "distillation.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        copy_companions(job.source, job.destination)

    def _chosen(self, teacher: PreTrainedModel, text: Text, scratch: Path) -> dict[str, Any]:
        kept = scratch / CHOICE
        if kept.exists():
            found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
            return found
        choice = self.choose(teacher, text)
        # Each of several processes makes the same choice and writes it under its own name.
        partial = kept.with_name(f"choice-{os.getpid()}.partial")
        partial.write_text(json.dumps(choice), encoding="utf-8")
        partial.replace(kept)
        return choice
