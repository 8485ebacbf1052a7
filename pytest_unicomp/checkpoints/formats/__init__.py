"""Read how a checkpoint stores its quantized layers, from config.json and the files' headers; one file per format, each with its entry in FORMATS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_unicomp.checkpoints.formats import awq, bitsandbytes, compressed_tensors, gptq, modelopt
from pytest_unicomp.checkpoints.formats.layer import Declared as Declared
from pytest_unicomp.checkpoints.formats.layer import QuantizedLayer as QuantizedLayer
from pytest_unicomp.checkpoints.safetensors_reader import Tensor

Reader = Callable[[Mapping[str, Tensor], Mapping[str, Any]], Sequence[QuantizedLayer]]
FORMATS: Mapping[str, Reader] = {
    "compressed-tensors": compressed_tensors.layers,
    "awq": awq.layers,
    "gptq": gptq.layers,
    "modelopt": modelopt.layers,
    "bitsandbytes": bitsandbytes.layers,
}


def method(quantization: Mapping[str, Any]) -> str:
    """Return the name of the quantization in config.json's `quantization_config`: "gptq", "awq", ...; "none" if it is empty."""
    return str(quantization.get("quant_method", "unknown")) if quantization else "none"


def described(quantization: Mapping[str, Any]) -> str:
    """Return the method with what it calls its kind of numbers, such as "modelopt FP8"."""
    kind = quantization.get("quant_algo") or quantization.get("fmt") or quantization.get("format") or ""
    return f"{method(quantization)} {kind}".strip()
