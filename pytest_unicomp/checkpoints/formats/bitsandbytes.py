"""bitsandbytes' checkpoints: 4-bit codes in one long row with a scale per block, or 8-bit integers with a scale per output.

Source: bitsandbytes/functional.py, `QuantState.as_dict`, and nn/modules.py, `Linear8bitLt`. The shape of a 4-bit weight stands in its state alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pytest_unicomp.api.foreign import json_value
from pytest_unicomp.checkpoints.formats.layer import Declared, QuantizedLayer, differing, elements, gather
from pytest_unicomp.checkpoints.safetensors_reader import Tensor

STATE = "quant_state.bitsandbytes__"
TYPES = ("nf4", "fp4")
ONCE = ("quant_map", "nested_absmax", "nested_quant_map")


def layers(tensors: Mapping[str, Tensor], quantization: Mapping[str, Any]) -> list[QuantizedLayer]:
    """Return every layer with a state of 4-bit codes or a scale per output beside 8-bit ones, judged against the declaration."""
    return [*_four_bits(tensors, quantization), *(_eight_bits(name, parts) for name, parts in gather(tensors, "SCB") if "weight" in parts)]


def _four_bits(tensors: Mapping[str, Tensor], quantization: Mapping[str, Any]) -> Iterator[QuantizedLayer]:
    for name, stored in tensors.items():
        kind = next((kind for kind in TYPES if name.endswith(f".weight.{STATE}{kind}")), None)
        if kind is not None:
            module = name.removesuffix(f".weight.{STATE}{kind}")
            yield _four_bit_layer(module, kind, stored, tensors, str(quantization.get("bnb_4bit_quant_type") or "fp4"))


def _four_bit_layer(module: str, kind: str, stored: Tensor, tensors: Mapping[str, Tensor], declared: str) -> QuantizedLayer:
    state = json_value(stored.read(np.uint8).tobytes(), stored.name)
    outputs, inputs = (int(side) for side in state["shape"])
    block = int(state["blocksize"])
    names = {"weight": "weight", "weight.absmax": "scales", "bias": "bias", **{f"weight.{part}": part for part in ONCE}}
    parts = {kept: tensors[f"{module}.{part}"] for part, kept in names.items() if f"{module}.{part}" in tensors} | {"quant_state": stored}
    bytes_needed = -(-outputs * inputs // 2)
    problems = differing(parts, {"weight": ("U8", (bytes_needed, 1)), "scales": (None, (-(-outputs * inputs // block),))})
    if kind != declared:
        problems.append(f"its codes are {kind}, config.json declares {declared}")
    bits = 8 * elements(parts["weight"]) / max(1, outputs * inputs) if "weight" in parts else 0.0
    return QuantizedLayer(module, outputs, inputs, bits, block, Declared(4, "float", None, True, "block"), parts, tuple(problems))


def _eight_bits(name: str, parts: Mapping[str, Tensor]) -> QuantizedLayer:
    outputs, inputs = (*parts["weight"].shape, 1)[:2]
    known = {"weight": parts["weight"], "scales": parts["SCB"]} | ({"bias": parts["bias"]} if "bias" in parts else {})
    problems = differing(known, {"weight": ("I8", (outputs, inputs)), "scales": ("F32", (outputs,))})
    return QuantizedLayer(name, outputs, inputs, 8.0, inputs, Declared(8, "int", None, True, "channel"), known, tuple(problems))
