"""The check `no-dead-layers` of `unicomp check-artifact`: no layer consists of zeros, or of one code everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged
from pytest_unicomp.checkpoints.checks.scan import statistics
from pytest_unicomp.checkpoints.safetensors_reader import CHUNK, Tensor

# The parts of a quantized layer that hold its codes.
CODES = ("weight_packed", "qweight", "weight")


def no_dead_layers(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """No matrix is zero throughout if the base's is not, and no quantized one holds one code alone."""
    matrices = [name for name in candidate.statistics if _is_matrix(name, candidate.tensors[name])]
    problems = [
        f"{name}: all {candidate.statistics[name].elements} numbers are zero"
        for name in matrices
        if candidate.statistics[name].zeros == candidate.statistics[name].elements > 0 and _alive(base, name)
    ]
    packed = list(_packed(candidate))
    problems += [f"{tensor.name}: all codes are the same" for tensor in packed if _constant(tensor)]
    return judged(problems, f"{len(matrices) + len(packed)} matrices, none of them all zero")


def _is_matrix(name: str, tensor: Tensor) -> bool:
    return name.endswith(".weight") and len(tensor.shape) > 1


def _alive(base: Checkpoint, name: str) -> bool:
    """Return True if the base has the tensor, and not all of it is zero."""
    tensor = base.tensors.get(name)
    found = statistics(tensor) if tensor is not None else None
    return found is not None and found.zeros < found.elements


def _packed(candidate: Checkpoint) -> Iterator[Tensor]:
    for layer in candidate.layers:
        for part in CODES:
            tensor = layer.parts.get(part)
            if tensor is not None and tensor.name not in candidate.statistics:
                yield tensor


def _constant(tensor: Tensor) -> bool:
    """Return True if every stored element has the bytes of the first."""
    if not tensor.stop - tensor.start or len(tensor.shape) < 2:
        return False
    content = np.memmap(tensor.file, dtype=np.uint8, mode="r", offset=tensor.start, shape=(tensor.stop - tensor.start,))
    width = max(1, content.size // max(1, int(np.prod(tensor.shape))))
    first = content[:width]
    step = max(width, CHUNK - CHUNK % width)
    return all(bool((content[start : start + step].reshape(-1, width) == first).all()) for start in range(0, content.size, step))


CHECKS = {
    "no-dead-layers": ArtifactCheck(
        "numbers that are not all zero in every matrix that has any in the base",
        "make the checkpoint again: a layer was lost on the way, or its calibration saw nothing but zeros",
        no_dead_layers,
    )
}
