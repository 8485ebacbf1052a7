"""compressed-tensors' checkpoints: packed integers, plain integers, 8-bit and packed 4-bit floats, each scheme with its own targets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pytest_unicomp.checkpoints.formats.layer import Declared, QuantizedLayer, differing, elements, gather, inputs_per_scale, words
from pytest_unicomp.checkpoints.safetensors_reader import Tensor, codes

PLAIN = {("int", 8): "I8", ("float", 8): "F8_E4M3"}
CLASSES = ("Linear",)


def matches(name: str, targets: Iterable[str]) -> bool:
    """Return True if a module is meant by one of the targets: its name, "re:" and a pattern for its beginning, or the class Linear."""
    return any(
        target in CLASSES or target == name or (target.startswith("re:") and re.match(target[3:], name) is not None) for target in targets
    )


def arguments(name: str, quantization: Mapping[str, Any], part: str) -> Mapping[str, Any] | None:
    """Return one part ("weights", "input_activations", ...) of the scheme that config.json gives the module, the more exact target first.

    None if the module is ignored, if no scheme with weights means it, or if its scheme has no such part.
    """
    if matches(name, quantization.get("ignore") or ()):
        return None
    groups = list((quantization.get("config_groups") or {}).values())
    for exact in (True, False):
        for group in groups:
            targets = [target for target in group.get("targets", ()) if (target not in CLASSES) == exact]
            if matches(name, targets) and group.get("weights"):
                found: Mapping[str, Any] | None = group.get(part)
                return found
    return None


def declared(name: str, quantization: Mapping[str, Any]) -> Declared | None:
    """Return the scheme of weights that config.json gives the module; None if it is ignored or no scheme means it."""
    weights = arguments(name, quantization, "weights")
    return _declared(weights) if weights else None


def _declared(weights: Mapping[str, Any]) -> Declared:
    strategy = str(weights.get("strategy") or "tensor")
    grouped = weights.get("group_size") if strategy in ("group", "tensor_group") else None
    return Declared(
        int(weights["num_bits"]),
        str(weights.get("type", "int")),
        int(grouped) if grouped and int(grouped) > 0 else None,
        bool(weights.get("symmetric", True)),
        strategy,
    )


def layers(tensors: Mapping[str, Tensor], quantization: Mapping[str, Any]) -> list[QuantizedLayer]:
    """Return every layer with packed codes, or with a scale beside a plain weight, judged against its scheme."""
    found = [_packed(name, parts, declared(name, quantization)) for name, parts in gather(tensors, "weight_packed")]
    for name, parts in gather(tensors, "weight_scale"):
        if "weight" in parts:
            found.append(_plain(name, parts, declared(name, quantization)))
    return found


def _packed(name: str, parts: Mapping[str, Tensor], wanted: Declared | None) -> QuantizedLayer:
    packed = parts["weight_packed"]
    nibbles = packed.dtype == "U8"
    if nibbles:
        outputs, inputs = packed.shape[0], 2 * packed.shape[1]
    elif "weight_shape" in parts:
        outputs, inputs = (int(side) for side in parts["weight_shape"].read("<i8" if parts["weight_shape"].dtype == "I64" else "<i4"))
    else:
        outputs, inputs = packed.shape[0], packed.shape[1] * 32 // (wanted.bits if wanted else 4)
    per_word = 8 if nibbles else 32
    bits = per_word * packed.shape[1] / max(1, inputs)
    group = _group(parts.get("weight_scale"), inputs, wanted)
    if wanted is None:
        return QuantizedLayer(name, outputs, inputs, bits, group, None, parts, ("it is packed, though no scheme is declared for it",))
    columns = inputs // 2 if nibbles else words(inputs, wanted.bits)
    shapes: dict[str, tuple[str | None, tuple[int, ...]]] = {"weight_packed": (packed.dtype, (outputs, columns))}
    if not nibbles:
        shapes["weight_shape"] = (None, (2,))
    problems = [*differing(parts, shapes), *_scales(parts, wanted, outputs, inputs)]
    if not wanted.symmetric and wanted.strategy in ("group", "channel"):
        groups = -(-inputs // wanted.group) if wanted.group else 1
        problems += differing(parts, {"weight_zero_point": ("I32", (words(outputs, wanted.bits), groups))})
    # Rows may end within a word: bits are then as declared, if that explains the width.
    if packed.shape[1] == columns:
        bits = float(wanted.bits)
    return QuantizedLayer(name, outputs, inputs, bits, group, wanted, parts, tuple(problems))


def _plain(name: str, parts: Mapping[str, Tensor], wanted: Declared | None) -> QuantizedLayer:
    weight = parts["weight"]
    outputs, inputs = (*weight.shape, 1)[:2]
    bits = 8 * (weight.stop - weight.start) / max(1, elements(weight))
    group = _group(parts.get("weight_scale"), inputs, wanted)
    if wanted is None:
        return QuantizedLayer(name, outputs, inputs, bits, group, None, parts, ("it has a scale, though no scheme is declared for it",))
    stored = PLAIN.get((wanted.kind, 8 if wanted.kind == "int" else wanted.bits))
    problems = differing(parts, {"weight": (stored, weight.shape)}) + _scales(parts, wanted, outputs, inputs)
    return QuantizedLayer(name, outputs, inputs, bits, group, wanted, parts, tuple(problems))


def _scales(parts: Mapping[str, Tensor], wanted: Declared, outputs: int, inputs: int) -> list[str]:
    scale = parts.get("weight_scale")
    if scale is None:
        return ["it has no weight_scale"]
    if wanted.strategy in ("tensor", "block"):
        return []
    groups = -(-inputs // wanted.group) if wanted.group else 1
    if wanted.strategy == "channel" and scale.shape == (outputs,):
        return []
    return differing(parts, {"weight_scale": (None, (outputs, groups))})


def _group(scale: Tensor | None, inputs: int, wanted: Declared | None) -> int | None:
    if scale is None or len(scale.shape) != 2:
        return None
    return inputs_per_scale(inputs, scale.shape[1], wanted)


def points(layer: QuantizedLayer) -> np.ndarray[Any, Any] | None:
    """Return the zero points as signed numbers, -2^(bits-1) to 2^(bits-1) - 1 if they are sound; None if the layer stores none."""
    tensor = layer.parts.get("weight_zero_point")
    if tensor is None or layer.declared is None:
        return None
    if tensor.dtype == "I32":
        bits = layer.declared.bits
        unpacked = codes(np.ascontiguousarray(tensor.read("<i4").T), bits, layer.outputs).T
        return unpacked.astype(np.int16) - (1 << (bits - 1))
    return np.asarray(tensor.read(np.int8), dtype=np.int16) if tensor.dtype == "I8" else None
