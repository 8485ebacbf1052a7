"""The checks `finite-weights`, `positive-scales` and `zero-points` of `unicomp check-artifact`: the stored numbers can be computed with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable
from pytest_unicomp.checkpoints.formats import QuantizedLayer, compressed_tensors, gptq
from pytest_unicomp.checkpoints.safetensors_reader import codes

SCALES = (
    *("weight_scale", "weight_scale_inv", "weight_global_scale", "input_scale", "input_global_scale", "output_scale"),
    *("q_scale", "k_scale", "v_scale", "scales"),
)
# From this share of negative scales on, the tool that wrote them uses both signs.
EITHER_SIGN = 0.25


def finite_weights(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """No NaN and no infinity in any floating tensor."""
    counted = candidate.statistics
    problems = [f"{name} holds {found.not_finite} NaN or infinite numbers" for name, found in counted.items() if found.not_finite]
    return judged(problems, f"{sum(found.elements for found in counted.values())} finite numbers in {len(counted)} floating tensors")


def positive_scales(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Every scale is finite and above zero: zero wipes a group out, a negative one turns its sign.

    AutoRound gives symmetric codes scales of either sign, about half of each: there, only a few negative ones are wrong.
    """
    scales = {name: found for name, found in candidate.statistics.items() if name.rpartition(".")[2] in SCALES}
    if not scales:
        return not_applicable("it stores no scales")
    # Which layers are symmetric is asked only if a scale is negative: a declaration that cannot be read fails the checks that need it.
    symmetric = _symmetric(candidate) if any(found.negative for found in scales.values()) else frozenset()
    problems = []
    for name, found in scales.items():
        either = name in symmetric and found.negative >= EITHER_SIGN * found.elements
        wrong = [(found.zeros, "zero"), (0 if either else found.negative, "below zero"), (found.not_finite, "not finite")]
        counts = ", ".join(f"{count} {what}" for count, what in wrong if count)
        problems += [f"{name}: of {found.elements} scales {counts}"] if counts else []
    return judged(problems, f"{sum(found.elements for found in scales.values())} scales above zero")


def _symmetric(candidate: Checkpoint) -> frozenset[str]:
    """Return the names of the tensors of layers whose codes are declared symmetric."""
    declared = (layer for layer in candidate.layers if layer.declared and layer.declared.symmetric)
    return frozenset(tensor.name for layer in declared for tensor in layer.parts.values())


def zero_points(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Zero points lie within the codes, agree with `sym`, and an index names only groups that exist."""
    layers = [layer for layer in candidate.layers if {"qzeros", "weight_zero_point"} & set(layer.parts)]
    if not layers:
        return not_applicable("it stores no zero points")
    sound = [layer for layer in layers if not layer.problems]
    if not sound:
        return not_applicable("the shapes of all layers contradict the declaration, see declared-bits")
    problems = [f"{layer.name}: {problem}" for layer in sound for problem in _point_problems(layer, candidate.quantization)]
    return judged(problems, f"zero points of {len(sound)} layers within their range")


def _point_problems(layer: QuantizedLayer, quantization: dict[str, Any]) -> Iterator[str]:
    method = quantization.get("quant_method")
    if method == "gptq":
        yield from _gptq_problems(layer, quantization)
    elif method == "awq":
        yield from _awq_problems(layer)
    else:
        yield from _compressed_problems(layer)


def _gptq_problems(layer: QuantizedLayer, quantization: dict[str, Any]) -> Iterator[str]:
    yield from gptq.index_problems(layer, quantization)
    version, bits = gptq.version(quantization), round(layer.bits)
    stored = gptq.stored_points(layer)
    top, middle = (1 << bits) - 1, (1 << (bits - 1)) - (1 if version == 1 else 0)
    if layer.declared and layer.declared.symmetric and bool((stored != middle).any()):
        wrong = int(stored.flat[int(np.argmax(stored != middle))])
        other = " (which is the other version's: see checkpoint_format)" if wrong == middle + (1 if version == 1 else -1) else ""
        yield f"zero points are stored as {wrong}{other}, symmetric codes of {bits} bits have {middle}"
    elif version == 1 and bool((stored == top).any()):
        yield f"zero points are stored as {top}: -1 in version 1 of the format, which kernels read as 0 or as {top + 1}"


def _awq_problems(layer: QuantizedLayer) -> Iterator[str]:
    if layer.declared is None or not layer.declared.symmetric:
        return
    # The order of the eight codes of a word does not matter if all must be equal.
    stored, middle = codes(layer.parts["qzeros"].read("<i4"), layer.declared.bits, layer.outputs), 1 << (layer.declared.bits - 1)
    if bool((stored != middle).any()):
        yield f"zero_point is declared false, but its qzeros are not all {middle}"


def _compressed_problems(layer: QuantizedLayer) -> Iterator[str]:
    found = compressed_tensors.points(layer)
    if found is None or layer.declared is None:
        return
    low, high = -(1 << (layer.declared.bits - 1)), (1 << (layer.declared.bits - 1)) - 1
    if found.size and (int(found.min()) < low or int(found.max()) > high):
        yield f"zero points reach from {int(found.min())} to {int(found.max())}, {layer.declared.bits} bits hold {low} to {high}"
    elif layer.declared.symmetric and bool(found.any()):
        yield "it is declared symmetric, but has zero points other than 0"


CHECKS = {
    "finite-weights": ArtifactCheck(
        "finite numbers in every floating tensor", "make the checkpoint again: something overflowed", finite_weights
    ),
    "positive-scales": ArtifactCheck(
        "every scale finite and above zero", "quantize again, with a lower bound on scales or in a wider type", positive_scales
    ),
    "zero-points": ArtifactCheck(
        "zero points within the range of the codes and as declared; groups that exist",
        "write the checkpoint again with the tool that quantized it, or declare the format that it has",
        zero_points,
    ),
}
