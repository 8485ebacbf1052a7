"""The base class of distilling recipes: their training settings, and the training plan that results for a model and device."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.protocols import Calibration, CompressionJob
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.distillation_plan import Plan, Schedule
from pytest_unicomp.methods.distillation_text import Text, enlarged, prepare
from pytest_unicomp.methods.method import CompressionMethod

REFERENCE_WIDTH = 4096


@dataclass(frozen=True)
class Training(CompressionMethod):
    """`steps` optimizer steps on `batch` rows of `sequence` tokens each, over all processes together.

    `learning_rate` is that of a model 4096 wide and is multiplied by 4096 / width, as Adam's best rate goes with one over the width
    (Yang et al. 2022, arXiv 2203.03466). `warmup` is in steps. `samples` samples are drawn from the calibration mixture (0: as many as the
    steps can read once). `replies`: in conversations only replies are learned. `precision` is auto, float32 or bfloat16; weights and
    optimizer are float32 always. At most `device_batch` rows go through a device at once (0: all), on `processes` devices of this machine.
    Every `save_every` steps a checkpoint is saved, from which a killed training resumes.
    """

    steps: int = 1000
    batch: int = 8
    sequence: int = 256
    learning_rate: float = 1e-4
    warmup: int = 20
    samples: int = 0
    replies: bool = True
    precision: str = "auto"
    device_batch: int = 0
    processes: int = 1
    save_every: int = 100
    family: ClassVar[Family] = "distillation"
    calibrated: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("transformers", "accelerate")

    def settings(self) -> dict[str, Any]:
        """Every setting that shapes the artifact."""
        return {name: value for name, value in asdict(self).items() if name != "save_every"}

    def enlarged(self, job: CompressionJob) -> Calibration:
        """Return as much text as the settings ask for; raises UnicompError if there is none, or too little, or documents are too long."""
        rows = self.steps * self.batch
        return enlarged(job.source, job.calibration, recipe=self.method, rows=rows, length=self.sequence, samples=self.samples)

    def text(self, job: CompressionJob) -> Text:
        """Return the rows to train on; raises UnicompError as `enlarged` does."""
        text = prepare(job.source, self.enlarged(job), recipe=self.method, length=self.sequence, replies=self.replies)
        passes = self.steps * self.batch / max(1, len(text.rows))
        return replace(text, record={**text.record, "passes": round(passes, 4), "trained_tokens": round(passes * text.record["tokens"])})

    def plan(
        self, width: int, device: str, *, schedule: Schedule, beta2: float, steps: int | None = None, rate: float | None = None
    ) -> Plan:
        """Return how to train a model of hidden size `width`; `steps` and `rate` replace those of the settings."""
        return Plan(
            steps=self.steps if steps is None else steps,
            batch=self.batch,
            device_batch=self.device_batch,
            learning_rate=(self.learning_rate if rate is None else rate) * REFERENCE_WIDTH / width,
            warmup=self.warmup,
            schedule=schedule,
            beta2=beta2,
            bfloat16=in_bfloat16(self.precision, device),
            save_every=self.save_every,
        )


def in_bfloat16(precision: str, device: str) -> bool:
    """Return True if matrix products run in bfloat16: as `precision` says, or for "auto" if the device has instructions for it.

    A processor without them is slower in bfloat16 than in float32. Raises UnicompError for a word other than auto, float32 and bfloat16.
    """
    import torch

    if precision not in ("auto", "float32", "bfloat16"):
        raise UnicompError(f"unicomp: precision is {precision!r}; expected auto, float32 or bfloat16.")
    if precision != "auto":
        return precision == "bfloat16"
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
