"""The checks `sparsity` and `sparsity-pattern` of `unicomp check-artifact`: the promised zeros, layer by layer, in the pattern of sparse kernels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable
from pytest_unicomp.checkpoints.safetensors_reader import IN_BLOCK, UNSIGNED, WIDTHS, Tensor, packed_zero_masks, row_chunks

SLACK = 0.001
ROUTERS = ("gate", "router", "shared_expert_gate")
UNKNOWN = ("qweight",)


def matrices(candidate: Checkpoint) -> Iterator[Tensor]:
    """Yield the weight tensors of linear layers in decoder blocks: dense, packed or bitmask. Skips routers, which no recipe prunes."""
    for name, tensor in candidate.tensors.items():
        module, _, kind = name.rpartition(".")
        if kind == "bitmask":
            module = module.removesuffix(".weight")
        plain = kind == "weight" and len(tensor.shape) == 2 and tensor.dtype in WIDTHS
        packed = kind == "bitmask" or (kind == "weight_packed" and tensor.dtype == "I32")
        if IN_BLOCK.search(name) and (plain or packed) and module.rpartition(".")[2] not in ROUTERS:
            yield tensor


def masks(tensor: Tensor, candidate: Checkpoint) -> Iterator[np.ndarray[Any, Any]]:
    """Yield, some rows at a time, a mask of the weights that are zero: of plain numbers, packed integers, or compressed-tensors' bitmask (1: not zero)."""
    kind = tensor.name.rpartition(".")[2]
    if kind == "weight_packed":
        yield from packed_zero_masks(tensor, candidate.tensors, candidate.config)
    elif kind == "bitmask":
        shape = candidate.tensors[tensor.name.replace(".bitmask", ".shape")].read("<i8")
        yield np.unpackbits(tensor.read(np.uint8), axis=1, bitorder="little", count=int(shape[1])) == 0
    else:
        width = WIDTHS[tensor.dtype]
        floating = tensor.dtype.startswith(("F", "BF"))
        # A float is zero if all bits but the sign are.
        keep = UNSIGNED[width]((1 << (8 * width - floating)) - 1)
        numbers = tensor.read(UNSIGNED[width])
        for start, stop in row_chunks(*tensor.shape):
            yield (numbers[start:stop] & keep) == 0


def sparsity(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Each linear layer of the decoder has the promised share of zeros."""
    wanted = candidate.promise.sparsity
    if wanted is None:
        return not_applicable("no sparsity is promised")
    if reason := _unknown(candidate):
        return not_applicable(reason)
    problems, shares = [], []
    for tensor in matrices(candidate):
        zeros = total = columns = 0
        for mask in masks(tensor, candidate):
            zeros, total, columns = zeros + int(np.count_nonzero(mask)), total + mask.size, mask.shape[1]
        shares.append(zeros / max(1, total))
        # Rounding per row may leave one weight of each row short.
        if shares[-1] < wanted - max(SLACK, 1 / max(1, columns)):
            problems.append(f"{tensor.name}: {100 * shares[-1]:.2f} % are zero")
    if not shares:
        problems.append("no linear layer of the decoder is stored in a way that zeros can be counted in")
    least, most = 100 * min(shares, default=0), 100 * max(shares, default=0)
    expected = f"{100 * wanted:g} % zeros in every linear layer, by {candidate.promise.source}"
    return judged(problems, f"{least:.2f} to {most:.2f} % zeros in {len(shares)} layers", expected=expected)


def sparsity_pattern(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """N of M neighbouring inputs are zero, everywhere in every linear layer of the decoder."""
    if candidate.promise.pattern is None:
        return not_applicable("no pattern is promised")
    if reason := _unknown(candidate):
        return not_applicable(reason)
    zeros, group = (int(part) for part in candidate.promise.pattern.split(":"))
    problems, count = [], 0
    for tensor in matrices(candidate):
        count += 1
        broken = total = 0
        for mask in masks(tensor, candidate):
            if mask.shape[1] % group:
                problems.append(f"{tensor.name} has {mask.shape[1]} inputs, which {group} does not divide")
                break
            held = mask.reshape(-1, group).sum(axis=1, dtype=np.uint8)
            broken, total = broken + int(np.count_nonzero(held < zeros)), total + held.size
        if broken:
            problems.append(f"{tensor.name}: {broken} of {total} groups hold fewer than {zeros} zeros")
    if not count:
        problems.append("no linear layer of the decoder is stored in a way that zeros can be counted in")
    expected = f"{candidate.promise.pattern} in every linear layer, by {candidate.promise.source}"
    return judged(problems, f"{candidate.promise.pattern} in {count} layers", expected=expected)


def _unknown(candidate: Checkpoint) -> str:
    packed = any(name.rpartition(".")[2] in UNKNOWN for name in candidate.tensors)
    return f"zeros are not counted in the packing of {candidate.method!r}" if packed else ""


CHECKS = {
    "sparsity": ArtifactCheck(
        "the promised share of zeros in every linear layer",
        "prune again, or apply the masks once more after the last training step",
        sparsity,
    ),
    "sparsity-pattern": ArtifactCheck(
        "the promised pattern (such as 2:4) everywhere",
        "prune again with the pattern: one broken group keeps the sparse kernel away",
        sparsity_pattern,
    ),
}
