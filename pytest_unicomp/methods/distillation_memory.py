"""The memory that a training needs at least, and a refusal before the first step if the device does not have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.host import memory
from pytest_unicomp.methods.distillation_plan import Plan

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GIGABYTE = 1e9
# Bytes of a float32 parameter's gradient, and of Adam's two moments.
PER_TRAINED_PARAMETER = 4 + 8
FLOAT32 = 4


def training_bytes(student: PreTrainedModel, *, rows: int, tokens: int, width: int) -> int:
    """Return a lower bound on the bytes of training beside weights that lie on the device: gradients, Adam's moments, and the logits of `rows` rows of
    `tokens` tokens, of teacher and student with its gradient, each logit of `width` bytes. Activations come on top.

    Source of the bytes per parameter: Rajbhandari et al. 2020, arXiv 1910.02054, section 3.1.
    """
    trained = sum(parameter.numel() for parameter in student.parameters() if parameter.requires_grad)
    vocabulary = int(student.config.get_text_config(decoder=True).vocab_size)
    return int(PER_TRAINED_PARAMETER * trained + 3 * width * rows * tokens * vocabulary)


def require_memory(student: PreTrainedModel, plan: Plan, *, rows: int, tokens: int, device: str, what: str) -> None:
    """Raise InfrastructureError if `device` has less memory left than training needs at least; nothing is allocated."""
    least = training_bytes(student, rows=rows, tokens=tokens, width=2 if plan.bfloat16 else FLOAT32)
    # A student that is still elsewhere has to come to the device as well.
    least += sum(FLOAT32 * parameter.numel() for parameter in student.parameters() if parameter.device.type != device.partition(":")[0])
    free = memory.available_bytes(device)
    if free is not None and least > free:
        raise InfrastructureError(
            f"unicomp: {what} needs at least {least / GIGABYTE:.2f} GB beside the models, without activations; "
            f"{free / GIGABYTE:.2f} GB are free on {device}; a smaller device_batch or sequence, a narrower student "
            "or a device with more memory (docs/distillation.md)."
        )
