"""Count zeros, signs and non-finite numbers of a tensor from its raw bytes, in pieces: needs neither torch nor a bfloat16 type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_unicomp.checkpoints.safetensors_reader import CHUNK, UNSIGNED, Tensor

# Bytes, and the bits that are all set in an infinity or a NaN. In E4M3 only NaN exists, with all bits but the sign set (arXiv 2209.05433).
FLOATS = {
    "F64": (8, 0x7FF0_0000_0000_0000),
    "F32": (4, 0x7F80_0000),
    "F16": (2, 0x7C00),
    "BF16": (2, 0x7F80),
    "F8_E4M3": (1, 0x7F),
    "F8_E5M2": (1, 0x7C),
}
EXPONENT_ONLY = "F8_E8M0"


@dataclass(frozen=True)
class Statistics:
    """Of a floating tensor: how many elements it has, and how many are zero (of either sign), below zero, NaN or infinite."""

    elements: int
    zeros: int
    negative: int
    not_finite: int


def statistics(tensor: Tensor) -> Statistics | None:
    """Count over all elements of a floating tensor, CHUNK at a time; None for integers and unknown types."""
    if tensor.dtype == EXPONENT_ONLY:
        numbers = tensor.read(np.uint8).reshape(-1)
        return Statistics(numbers.size, 0, 0, int(np.count_nonzero(numbers == 0xFF)))
    if tensor.dtype not in FLOATS:
        return None
    width, exponent = FLOATS[tensor.dtype]
    kind = UNSIGNED[width]
    special, sign = kind(exponent), kind(1 << (8 * width - 1))
    if not tensor.stop - tensor.start:
        return Statistics(0, 0, 0, 0)
    numbers = tensor.read(kind).reshape(-1)
    zeros = negative = not_finite = 0
    for start in range(0, numbers.size, CHUNK):
        piece: np.ndarray[Any, Any] = numbers[start : start + CHUNK]
        not_finite += int(np.count_nonzero((piece & special) == special))
        zeros += int(np.count_nonzero((piece == 0) | (piece == sign)))
        negative += int(np.count_nonzero(piece > sign))
    return Statistics(numbers.size, zeros, negative, not_finite)
