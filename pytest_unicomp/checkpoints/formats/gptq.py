"""AutoGPTQ's and GPTQModel's checkpoints: codes packed along the inputs, one bit stream per output with the lowest bit first.

Source: auto_gptq/nn_modules/qlinear/qlinear_cuda.py, `pack`. Version 1 ("gptq") stores zero points less one, version 2 ("gptq_v2") as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.foreign import ForeignFile, read_object
from pytest_unicomp.checkpoints.formats import auto_round
from pytest_unicomp.checkpoints.formats.layer import Declared, QuantizedLayer, differing, gather, inputs_per_scale, words
from pytest_unicomp.checkpoints.safetensors_reader import Tensor, codes

VERSIONS = {"gptq": 1, "gptq_v2": 2}
BITS = (2, 3, 4, 8)
LEGACY = "quantize_config.json"
MODELOPT = "hf_quant_config.json"


def quantization_of(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return config.json's `quantization_config` or, if it has none, what older tools keep beside it.

    That is AutoGPTQ's quantize_config.json, and ModelOpt's hf_quant_config.json (https://nvidia.github.io/TensorRT-LLM, "Quantization").
    """
    stated = config.get("quantization_config")
    if stated:
        return auto_round.as_packed(stated)
    if (folder / LEGACY).is_file():
        return {"quant_method": "gptq", **read_object(folder / LEGACY)}
    if (folder / MODELOPT).is_file():
        return {"quant_method": "modelopt", **_object(read_object(folder / MODELOPT), folder)}
    return {}


def declaration(folder: Path, config: Mapping[str, Any]) -> str:
    """Return the name of the file that `quantization_of` reads: config.json, or what an older tool keeps beside it."""
    if config.get("quantization_config"):
        return "config.json"
    return next((name for name in (LEGACY, MODELOPT) if (folder / name).is_file()), "config.json")


def _object(stated: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    found = stated.get("quantization") or {}
    if not isinstance(found, dict):
        raise ForeignFile(folder / MODELOPT, "holds quantization that is no object", "an object")
    return found


def version(quantization: Mapping[str, Any]) -> int:
    """Return 1 or 2: how zero points are stored. Raises UsageProblem for packings that are neither (marlin, bitblas, ...)."""
    name = str(quantization.get("checkpoint_format") or "gptq")
    if quantization.get("is_marlin_format"):
        name = "marlin"
    if name not in VERSIONS:
        raise UsageProblem(f"unicomp: GPTQ's packing {name!r} is not known here; expected gptq or gptq_v2: save the model so.")
    return VERSIONS[name]


def excluded(name: str, quantization: Mapping[str, Any]) -> bool:
    """Return True if a rule "-:pattern" of GPTQModel's `dynamic` leaves the module out."""
    for rule in quantization.get("dynamic") or {}:
        if rule.startswith("-:") and re.match(rule[2:], name):
            return True
        if not rule.startswith("-:") and re.match(rule.removeprefix("+:"), name):
            return False
    return False


def declared(name: str, quantization: Mapping[str, Any]) -> Declared | None:
    """Return the quantization that is declared for the module `name`, after GPTQModel's `dynamic` rules; None if a rule excludes the module.

    Raises UsageProblem for bits other than 2, 3, 4 and 8.
    """
    if excluded(name, quantization):
        return None
    stated: dict[str, Any] = dict(quantization)
    for rule, changes in (quantization.get("dynamic") or {}).items():
        if not rule.startswith("-:") and re.match(rule.removeprefix("+:"), name):
            stated |= changes
            break
    bits = stated.get("bits")
    if bits not in BITS:
        raise UsageProblem(
            f"unicomp: quantization_config names {bits!r} bits for {name}; GPTQ packs 2, 3, 4 or 8; write config.json again."
        )
    group = int(stated.get("group_size", 128))
    return Declared(bits, "int", group if group > 0 else None, symmetric=bool(stated.get("sym", True)))


def layers(tensors: Mapping[str, Tensor], quantization: Mapping[str, Any]) -> list[QuantizedLayer]:
    """Return every layer with a `qweight` (inputs * bits / 32 words x outputs), judged against the declaration.

    Raises UsageProblem for a packing that is not known.
    """
    version(quantization)
    return [_layer(name, parts, declared(name, quantization)) for name, parts in gather(tensors, "qweight")]


def _layer(name: str, parts: Mapping[str, Tensor], wanted: Declared | None) -> QuantizedLayer:
    rows, outputs = parts["qweight"].shape
    index, scales = parts.get("g_idx"), parts.get("scales")
    bits = wanted.bits if wanted else 4
    # The index has one entry per input, whatever the bits; the shape of qweight alone cannot tell bits from inputs.
    inputs = index.shape[0] if index is not None else rows * 32 // bits
    group = inputs_per_scale(inputs, scales.shape[0], wanted) if scales is not None else None
    if wanted is None:
        return QuantizedLayer(
            name, outputs, inputs, 32 * rows / inputs, group, None, parts, ("it is packed, though `dynamic` leaves it out",)
        )
    groups = -(-inputs // wanted.group) if wanted.group else 1
    shapes: dict[str, tuple[str | None, tuple[int, ...]]] = {
        "qweight": ("I32", (words(inputs, bits), outputs)),
        "qzeros": ("I32", (groups, words(outputs, bits))),
        "scales": (None, (groups, outputs)),
    }
    return QuantizedLayer(name, outputs, inputs, 32 * rows / inputs, group, wanted, parts, tuple(differing(parts, shapes)))


def stored_points(layer: QuantizedLayer) -> np.ndarray[Any, Any]:
    """Unpack `qzeros` as stored: groups x outputs, 0 to 2^bits - 1."""
    return codes(layer.parts["qzeros"].read("<i4"), round(layer.bits), layer.outputs)


def points(layer: QuantizedLayer, format_version: int) -> np.ndarray[Any, Any]:
    """Return the zero points that weights are reckoned from, groups x outputs: stored ones, in version 1 plus one modulo 2^bits.

    The remainder is that of AutoGPTQ's own unpacking, which masks after adding.
    """
    stored = stored_points(layer)
    # In 16 bits, since 255 + 1 has no room in 8.
    return stored if format_version == 2 else ((stored.astype(np.uint16) + 1) & ((1 << round(layer.bits)) - 1)).astype(np.uint8)


def index_of(layer: QuantizedLayer) -> np.ndarray[Any, Any] | None:
    """Return `g_idx`, the group of each input, or None if the layer has none (inputs in order)."""
    return layer.parts["g_idx"].read("<i4") if "g_idx" in layer.parts else None


def in_order(layer: QuantizedLayer) -> bool:
    """Return True if the groups are runs of neighbouring inputs; act-order permutes them."""
    index = index_of(layer)
    group = layer.group or layer.inputs
    return index is None or bool(np.array_equal(index, np.arange(layer.inputs) // group))


def index_problems(layer: QuantizedLayer, quantization: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line per fault of `g_idx`: group numbers out of range, or a permutation although config.json has `desc_act: false`."""
    index = index_of(layer)
    if index is None:
        return
    groups = layer.parts["scales"].shape[0]
    if index.size and (int(index.min()) < 0 or int(index.max()) >= groups):
        yield f"g_idx names groups {int(index.min())} to {int(index.max())}, there are {groups}"
    elif quantization.get("desc_act") is False and not in_order(layer):
        yield "g_idx is permuted, though desc_act is declared false, so kernels that believe it mix up the groups"
