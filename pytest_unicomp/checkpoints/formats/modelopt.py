"""ModelOpt's checkpoints: FP8 weights with a scale per tensor, and NVFP4 with a scale per 16 inputs and one per tensor.

Source: modelopt/torch/export/quant_utils.py. The layer's tensors say which of the two it is, so that mixed precision needs no list of layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.formats.layer import Declared, QuantizedLayer, differing, gather
from pytest_unicomp.checkpoints.safetensors_reader import Tensor

ALGORITHMS = ("FP8", "NVFP4", "W4A16_NVFP4", "MIXED_PRECISION")
# Their export stores input_scale beside each weight; vLLM computes rubbish without it (ModelOptFp8LinearMethod keeps its initial value).
ROUNDING_INPUTS = ("FP8", "NVFP4")
GROUP = 16
FP8 = Declared(8, "float", None, symmetric=True, strategy="tensor")
NVFP4 = Declared(4, "float", GROUP, symmetric=True, strategy="tensor_group")


def algorithm(quantization: Mapping[str, Any]) -> str:
    """Return `quant_algo`; raises UsageProblem for one that is not read here."""
    name = str(quantization.get("quant_algo"))
    if name not in ALGORITHMS:
        raise UsageProblem(
            f"unicomp: ModelOpt's quant_algo {name} is not read here; expected {', '.join(ALGORITHMS)}: "
            "serve it with --unicomp-serve='vllm serve {model} --port {port}'."
        )
    return name


def rounds_cache(quantization: Mapping[str, Any]) -> bool:
    """Return True if the KV cache is declared as FP8; raises UsageProblem for another type."""
    stated = quantization.get("kv_cache_scheme", quantization.get("kv_cache_quant_algo"))
    if not stated:
        return False
    if stated != "FP8" and not (isinstance(stated, Mapping) and stated.get("num_bits") == 8 and stated.get("type") == "float"):
        raise UsageProblem(
            f"unicomp: ModelOpt's KV cache {stated} is not rounded here; expected FP8 or none: "
            "serve it with --unicomp-serve='vllm serve {model} --port {port}'."
        )
    return True


def layers(tensors: Mapping[str, Tensor], quantization: Mapping[str, Any]) -> list[QuantizedLayer]:
    """Return every layer with a scale beside its weight. Raises UsageProblem for an algorithm that is not read here."""
    rounds_inputs = algorithm(quantization) in ROUNDING_INPUTS
    return [_layer(name, parts, rounds_inputs) for name, parts in gather(tensors, "weight_scale") if "weight" in parts]


def _layer(name: str, parts: Mapping[str, Tensor], rounds_inputs: bool) -> QuantizedLayer:
    weight = parts["weight"]
    outputs, inputs = (*weight.shape, 1)[:2]
    lacking = ("it has no input_scale, by which its inputs are rounded",) if rounds_inputs and "input_scale" not in parts else ()
    if weight.dtype == "U8":
        inputs *= 2
        wanted = {"weight_scale": ("F8_E4M3", (outputs, inputs // GROUP)), "weight_scale_2": ("F32", ())}
        return QuantizedLayer(name, outputs, inputs, 4, GROUP, NVFP4, parts, (*differing(parts, wanted), *lacking))
    problems = differing(parts, {"weight": ("F8_E4M3", weight.shape), "weight_scale": (None, ())})
    return QuantizedLayer(
        name, outputs, inputs, 8 * (weight.stop - weight.start) / max(1, outputs * inputs), None, FP8, parts, (*problems, *lacking)
    )
