"""The checks `declared-bits`, `bits-per-weight` and `smaller-than-base` of `unicomp check-artifact`: the quantization that config.json declares is in the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable
from pytest_unicomp.checkpoints.checks.undeclared import left_dense, missing_scales, undeclared, wrongly_packed
from pytest_unicomp.checkpoints.formats import FORMATS, QuantizedLayer, described
from pytest_unicomp.checkpoints.safetensors_reader import logical_parameters

TOLERANCE = 0.01


def declared_bits(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Packed shapes, types and group sizes match config.json in every layer that it targets, and no other layer is quantized."""
    if candidate.method == "none":
        return judged(undeclared(candidate.tensors), "dense, and declared so")
    if candidate.method not in FORMATS:
        return not_applicable(
            f"the format {described(candidate.quantization)!r} is not known here, so not judged; known: {', '.join(FORMATS)}"
        )
    if (candidate.quantization.get("sparsity_config") or {}).get("format") not in (None, "dense"):
        return not_applicable("its weights are stored sparse; see sparsity and sparsity-pattern")
    if candidate.only_cache:
        return not_applicable("only its KV cache is quantized")
    layers = candidate.layers
    if not layers:
        return judged([f"{candidate.declaration} declares a quantization, but no layer is quantized"], "")
    problems = [f"{layer.name}: {problem}{_instead(layer)}" for layer in layers for problem in layer.problems]
    if problems:
        problems[0] = f"{candidate.declaration} declares {described(candidate.quantization)}: {problems[0]}"
    problems += [*_out_of_range(layers), *left_dense(candidate), *wrongly_packed(candidate), *missing_scales(candidate)]
    return judged(problems, f"{len(layers)} layers: {_kinds(layers)}")


def _out_of_range(layers: Sequence[QuantizedLayer]) -> Iterator[str]:
    """Yield each layer that keeps a byte per code and holds codes which the declared bits do not: int-quantized W4A8 has -8 to 7."""
    for layer in layers:
        weight = layer.parts.get("weight")
        if layer.declared is None or layer.declared.kind != "int" or layer.declared.bits >= 8 or weight is None or weight.dtype != "I8":
            continue
        half = 1 << (layer.declared.bits - 1)
        numbers = weight.read(np.int8)
        low, high = int(numbers.min(initial=0)), int(numbers.max(initial=0))
        if low < -half or high >= half:
            yield f"{layer.name}: its codes go from {low} to {high}, {layer.declared.bits} bits hold {-half} to {half - 1}"


def _instead(layer: QuantizedLayer) -> str:
    if layer.declared is None or round(layer.bits) == layer.declared.bits:
        return ""
    return f" ({layer.declared.bits} bits are declared, the shape gives {layer.bits:.3g})"


def _kinds(layers: Sequence[QuantizedLayer]) -> str:
    kinds = Counter(f"{layer.bits:.3g} bits{_codes(layer)}, {_spread(layer)}" for layer in layers)
    return "; ".join(f"{kind} ({count})" if len(kinds) > 1 else kind for kind, count in kinds.items())


def _codes(layer: QuantizedLayer) -> str:
    return f" for codes of {layer.declared.bits}" if layer.declared is not None and layer.declared.bits < round(layer.bits) else ""


def _spread(layer: QuantizedLayer) -> str:
    if layer.group is None:
        return "a scale per tensor"
    whole = layer.group == layer.inputs and (layer.declared is None or layer.declared.group is None)
    return "a scale per output" if whole else f"groups of {layer.group}"


def bits_per_weight(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Bytes of the quantized layers per weight are those that bits, groups and types imply; `found` has the figure of the whole checkpoint."""
    size = sum(file.stat().st_size for file in candidate.files)
    parameters = sum(layer.outputs * layer.inputs for layer in candidate.layers)
    if not parameters:
        whole = logical_parameters(candidate.tensors, candidate.config)
        return (
            Outcome("pass", f"{8 * size / whole:.2f} bits per weight over all files; no layer is quantized")
            if whole
            else not_applicable("no weights")
        )
    others = {
        name: tensor
        for name, tensor in candidate.tensors.items()
        if name.rpartition(".")[0] not in {layer.name for layer in candidate.layers}
    }
    whole = parameters + logical_parameters(others, candidate.config)
    found = sum(layer.stored_bits for layer in candidate.layers) / parameters
    figure = f"{found:.3f} bits per quantized weight, {8 * size / whole:.2f} over all files"
    wanted = [layer.expected_bits for layer in candidate.layers]
    if any(bits is None for bits in wanted):
        return judged(["some quantized layers are declared by no scheme"], "", expected=figure)
    expected = sum(bits for bits in wanted if bits is not None) / parameters
    off = abs(found - expected) > TOLERANCE * expected
    return judged(
        [figure] if off else [], figure, expected=f"{expected:.3f} bits per quantized weight, from declared bits, groups and types"
    )


def smaller_than_base(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """A quantized checkpoint takes fewer bytes than the one it was made from."""
    if candidate.method == "none":
        return not_applicable("it is not quantized")
    if base.method != "none":
        return not_applicable("the base is quantized itself")
    if candidate.only_cache:
        return not_applicable("only its KV cache is quantized")
    mine, theirs = (sum(file.stat().st_size for file in each.files) for each in (candidate, base))
    found = f"{mine} bytes, the base has {theirs}"
    return judged([found] if mine >= theirs else [], found)


CHECKS = {
    "declared-bits": ArtifactCheck(
        "shapes and types as config.json declares bits, groups and layers",
        "correct quantization_config in config.json, or quantize again",
        declared_bits,
    ),
    "bits-per-weight": ArtifactCheck(
        "as many bytes per weight as the declared bits imply", "look for layers stored in a wider type than they need", bits_per_weight
    ),
    "smaller-than-base": ArtifactCheck(
        "fewer bytes than the base, if it is quantized", "save the model compressed: its weights were written unpacked", smaller_than_base
    ),
}
