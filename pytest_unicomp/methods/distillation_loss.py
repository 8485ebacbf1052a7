"""The losses of distillation, each the mean over the positions that are learned, in nats (or squared activation units)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the mean forward KL(teacher || student) in nats of logits (... x vocabulary) softened by `temperature`, times its square.

    Hinton et al. 2015 (arXiv 1503.02531, section 2): the square keeps gradients of the same size at every temperature. The mean is over all
    positions, 0 if there is none.
    """
    import torch.nn.functional as functional

    size = student.shape[-1]
    ours = functional.log_softmax(student.reshape(-1, size).float() / temperature, dim=-1)
    theirs = functional.log_softmax(teacher.reshape(-1, size).float() / temperature, dim=-1)
    total = functional.kl_div(ours, theirs, reduction="sum", log_target=True)
    return total / max(1, ours.shape[0]) * temperature**2


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean next-token loss in nats of logits (positions x vocabulary) and the ids that follow (positions); 0 without positions."""
    import torch.nn.functional as functional

    return functional.cross_entropy(logits.float(), targets, reduction="sum") / max(1, targets.shape[0])


def activation_error(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Return the mean squared difference of two activations of one shape (positions x channels), in float32.

    E of Low-Rank Clone (arXiv 2505.12781, activation clone): the mean is over positions and channels.
    """
    import torch.nn.functional as functional

    return functional.mse_loss(student.float(), teacher.float())
