"""The losses of distillation, each the mean over the positions that are learned, in nats (or squared activation units)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# A float32 tensor of vocabulary-wide rows is kept this small: at 8,192 tokens and 128,000 words one would be 4 GB, and a KL holds four.
CHUNK_BYTES = 2**28


def divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the mean forward KL(teacher || student) in nats of logits (... x vocabulary) softened by `temperature`, times its square.

    Hinton et al. 2015 (arXiv 1503.02531, section 2): the square keeps gradients of the same size at every temperature. The mean is over all
    positions, 0 if there is none.
    """
    import torch
    from torch.utils.checkpoint import checkpoint

    size = student.shape[-1]
    ours, theirs = student.reshape(-1, size), teacher.reshape(-1, size)
    parts = list(chunks(len(ours), size))
    if len(parts) == 1:
        total = _divergence(ours, theirs, temperature)
    else:
        # What a chunk needs for its gradient is computed again in the backward pass, not kept.
        found = [checkpoint(_divergence, ours[part], theirs[part], temperature, use_reentrant=False) for part in parts]
        total = torch.stack(found).sum()
    return total / max(1, len(ours)) * temperature**2


def _divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    import torch.nn.functional as functional

    ours = functional.log_softmax(student.float() / temperature, dim=-1)
    theirs = functional.log_softmax(teacher.float() / temperature, dim=-1)
    return functional.kl_div(ours, theirs, reduction="sum", log_target=True)


def chunks(positions: int, vocabulary: int) -> Iterator[slice]:
    """Yield slices that cover `positions`, each of at most CHUNK_BYTES of float32 logits and at least one position; one empty slice for none."""
    step = max(1, CHUNK_BYTES // (4 * vocabulary))
    for start in range(0, max(1, positions), step):
        yield slice(start, min(start + step, positions))


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean next-token loss in nats of logits (positions x vocabulary) and the ids that follow (positions); 0 without positions."""
    import torch
    from torch.utils.checkpoint import checkpoint

    parts = list(chunks(*logits.shape))
    if len(parts) == 1:
        total = _cross_entropy(logits, targets)
    else:
        total = torch.stack([checkpoint(_cross_entropy, logits[part], targets[part], use_reentrant=False) for part in parts]).sum()
    return total / max(1, targets.shape[0])


def _cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    import torch.nn.functional as functional

    return functional.cross_entropy(logits.float(), targets, reduction="sum")


def activation_error(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Return the mean squared difference of two activations of one shape (positions x channels), in float32.

    E of Low-Rank Clone (arXiv 2505.12781, activation clone): the mean is over positions and channels.
    """
    import torch.nn.functional as functional

    return functional.mse_loss(student.float(), teacher.float())
