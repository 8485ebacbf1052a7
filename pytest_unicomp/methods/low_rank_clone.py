"""Clone a model at a smaller hidden size by training low-rank projections of its weights and cloning its activations (arXiv 2505.12781)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods.distillation import Objective, train
from pytest_unicomp.methods.distillation_architectures import WRITERS, not_clonable, rounded
from pytest_unicomp.methods.distillation_launch import launched
from pytest_unicomp.methods.distillation_loss import activation_error, cross_entropy, divergence
from pytest_unicomp.methods.distillation_settings import Training
from pytest_unicomp.methods.low_rank_model import multiplied_out, principal_directions, projected, taps
from pytest_unicomp.methods.source import copy_companions, load_model
from pytest_unicomp.methods.teaching import logits

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

BETA2 = 0.999


@dataclass(frozen=True)
class LowRankClone(Training):
    """Keep `hidden` of the hidden size, in multiples of `multiple`; heads, feed-forward size and layers stay (4B from Qwen2.5-7B: 2048 of 3584).

    Loss: next token + KL at `temperature` + `activations` x the sum over layers of the squared errors of q, k, v, attention output, gate, up
    and feed-forward output. Rate, linear schedule, temperature and weight are those of the authors' 1.5B example. `judged` rows of text
    give the directions to start from.
    """

    steps: int = 500
    warmup: int = 5
    hidden: float = 2048 / 3584
    multiple: int = 128
    temperature: float = 40.0
    activations: float = 0.2
    judged: int = 128
    method: ClassVar[str] = "low-rank-clone"

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse architectures whose parts are not those of Llama, and biases behind a projection."""
        return not_clonable(config)

    @launched
    def compress(self, job: CompressionJob) -> None:
        """Write the student as a plain checkpoint in the reference's dtype, and distillation.json with sizes, text and loss curve.

        Raises UnicompError if the reference is quantized already and if calibration text is missing or too short; InfrastructureError if
        training diverges.
        """
        import torch

        device = job.device
        text = self.text(job)
        teacher = load_model(job.source)
        dtype, width = teacher.dtype, teacher.config.hidden_size
        plan = self.plan(width, device, schedule="linear", beta2=BETA2)
        size = rounded(width, self.hidden, self.multiple)
        with quiet_with_captured_output():
            teacher = (teacher.to(torch.bfloat16) if plan.bfloat16 else teacher.float()).to(device)
            job.progress(f"{self.method}: hidden {width} to {size}")
            basis, energy = principal_directions(teacher, text.rows[: self.judged], size)
            student = projected(teacher, basis, energy).to(device)
            curve = train(
                student,
                cloning(student, teacher, self.temperature, self.activations),
                text.rows,
                plan,
                seed=job.seed,
                device=device,
                folder=job.scratch / "student",
                progress=job.progress,
                what=self.method,
            )
            multiplied_out(student).to(dtype).save_pretrained(job.destination)
        record = {"text": text.record, "hidden": [width, size], "energy": energy, "curve": curve}
        (job.destination / "distillation.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        copy_companions(job.source, job.destination)


def cloning(student: PreTrainedModel, teacher: PreTrainedModel, temperature: float, weight: float) -> Objective:
    """Return Low-Rank Clone's objective with its terms: `next_token`, `divergence` and `activations` (the sum, before `weight`).

    A teacher's output into the residual stream (wider than the student's) is seen through the projection of the very weight that wrote it.
    """
    import torch
    from torch.nn.utils import parametrize

    teacher.requires_grad_(False)
    theirs, ours = _listen(teacher), _listen(student)

    def objective(model: Any, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        # Weights are multiplied once for all that read them; two of them are read twice.
        with parametrize.cached():
            with torch.no_grad():
                target = logits(teacher, inputs)
            found = logits(model, inputs)
        learned, text = inputs["learned"], inputs["text"]
        next_token = cross_entropy(found[:, :-1][learned[:, :-1]], inputs["input_ids"][:, 1:][learned[:, :-1]])
        kl = divergence(found[learned], target[learned], temperature)
        clone = torch.zeros((), device=found.device)
        for name, module in taps(model).items():
            wanted = theirs[name][text]
            if name.rpartition(".")[2] in WRITERS:
                projection = module.parametrizations.weight.original
                wanted = wanted.to(projection.dtype) @ projection
            clone = clone + activation_error(ours[name][text], wanted)
        theirs.clear()
        ours.clear()
        return {"loss": next_token + kl + weight * clone, "next_token": next_token, "divergence": kl, "activations": clone}

    return objective


def _listen(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Return a dictionary that every forward pass fills with the outputs of the taps."""
    heard: dict[str, Any] = {}

    def hook(name: str) -> Any:
        def keep(module: Any, entered: Any, left: Any) -> None:
            heard[name] = left

        return keep

    for name, module in taps(model).items():
        module.register_forward_hook(hook(name))
    return heard


RECIPES = {"low-rank-clone": LowRankClone()}
