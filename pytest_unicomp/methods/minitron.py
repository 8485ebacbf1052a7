"""Drop the contiguous block of decoder layers that costs least and distil the rest from the original (Minitron-Depth, arXiv 2408.11796)."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.errors import InfrastructureError, UnicompError
from pytest_unicomp.methods.decoder import block_list
from pytest_unicomp.methods.depth import loss, losses_without, without_layers
from pytest_unicomp.methods.distillation import Distillation, blocks, distil
from pytest_unicomp.methods.quiet import quiet
from pytest_unicomp.methods.source import copy_companions, load_model
from pytest_unicomp.methods.tokens import encode
from pytest_unicomp.records import Family
from pytest_unicomp.registry import Calibration, Progress

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

REFERENCE_WIDTH = 4096


@dataclass(frozen=True)
class MinitronDepth:
    """Drop floor(`share` x layers), at least one, then train `steps` steps of `batch` x `sequence` tokens on forward KL to the teacher.

    `learning_rate` is that of a model 4096 wide and is multiplied by 4096 / width, as Adam's best rate goes with one over the width
    (Yang et al. 2022, arXiv 2203.03466). `judged` documents decide which block goes.
    """

    share: float = 0.5
    steps: int = 200
    batch: int = 8
    sequence: int = 256
    learning_rate: float = 1e-4
    warmup: int = 20
    temperature: float = 2.0
    judged: int = 32
    method: ClassVar[str] = "minitron-depth"
    family: ClassVar[Family] = "distillation"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("transformers", "accelerate")

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """None: any causal language model with a plain list of decoder blocks."""
        return None

    def settings(self) -> dict[str, Any]:
        """Share of layers and how the rest is trained."""
        return asdict(self)

    def compress(
        self,
        source: Path,
        destination: Path,
        calibration: Calibration | None,
        *,
        seed: int,
        device: str,
        progress: Progress,
        scratch: Path,
    ) -> None:
        """Write the smaller checkpoint in the reference's dtype, and distillation.json with the loss of every cut and the training curve.

        Raises UnicompError where `source` is quantized already, where calibration text is missing or too short, and for a model of one
        layer; InfrastructureError where training diverges.
        """
        documents = encode(source, calibration, recipe=self.method)
        teacher = load_model(source)
        dtype = teacher.dtype
        # Half precision is slow on a CPU; on a GPU the teacher stays as it is stored.
        teacher = teacher.to(device) if device.startswith("cuda") else teacher.float()
        layers = len(block_list(teacher)[1])
        dropped = max(1, math.floor(self.share * layers))
        if dropped >= layers:
            raise UnicompError(f"unicomp: {self.method} cannot drop {dropped} of {layers} layers; choose a smaller share.")
        with quiet():
            judged = documents[: self.judged]
            costs = losses_without(teacher, dropped, judged)
            start = min(range(len(costs)), key=costs.__getitem__)
            progress(f"{self.method}: drop layers {start} to {start + dropped - 1} of {layers}")
            student = cut_copy(teacher, start, dropped, destination).to(device)
            curve = self._train(student, teacher, documents, seed=seed, device=device, progress=progress)
            record = {"dropped": [start, start + dropped - 1], "loss": loss(teacher, judged), "losses_without": costs, "divergence": curve}
            student.to(dtype).save_pretrained(destination)
        (destination / "distillation.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        copy_companions(source, destination)

    def _train(
        self,
        student: PreTrainedModel,
        teacher: PreTrainedModel,
        documents: Sequence[torch.Tensor],
        *,
        seed: int,
        device: str,
        progress: Progress,
    ) -> list[float]:
        end = teacher.config.get_text_config(decoder=True).eos_token_id
        separator = end[0] if isinstance(end, list) else end
        data = blocks(documents, self.sequence, separator)
        width = teacher.config.get_text_config(decoder=True).hidden_size
        how = Distillation(
            steps=self.steps,
            batch=self.batch,
            sequence=self.sequence,
            learning_rate=self.learning_rate * REFERENCE_WIDTH / width,
            warmup=self.warmup,
            temperature=self.temperature,
        )
        curve = distil(student, teacher, data, how, separator=separator, seed=seed, device=device, progress=progress)
        if not all(math.isfinite(value) for value in curve):
            raise InfrastructureError(f"unicomp: {self.method} diverged (training loss is not finite); lower learning_rate.")
        return curve


def cut_copy(model: PreTrainedModel, start: int, count: int, scratch: Path) -> PreTrainedModel:
    """Return a float32 copy of `model` without layers `start` to `start + count - 1`, by way of a temporary folder in `scratch`.

    Saving inside the cut and loading again numbers every layer anew, whatever the architecture keeps its number for.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        with without_layers(model, start, count):
            model.save_pretrained(folder)
        return load_model(Path(folder), dtype="float32")


RECIPES = {"minitron-depth": MinitronDepth()}
