"""Puts torch's weight-only kernels in place of the dense layers of a quantized checkpoint, and proves that the model is still the same."""

from __future__ import annotations

import ctypes
import gc
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.errors import InfrastructureError
from pytest_unicomp.formats.compressed_tensors import declared
from pytest_unicomp.formats.layer import Declared
from pytest_unicomp.runtimes.weight_only import INT4_GROUPS, classes
from pytest_unicomp.weights import weight_files

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

NONE = "no accelerated kernel here"
# Root mean square of the difference of the logits over that of the logits: what rounding to bfloat16 in another order leaves.
TOLERANCE = 0.03
PROBE_TOKENS = (2, 48)


@dataclass(frozen=True)
class Runtime:
    """`kernel` names what computes the linear layers; `layers` of `of` linear layers of the decoder run on it; `error` is the relative difference of
    the logits from the dequantized model's, None where nothing was replaced; `why_not` says what keeps a format from a kernel."""

    kernel: str
    layers: int = 0
    of: int = 0
    error: float | None = None
    why_not: str | None = None


def accelerate(engine: Engine, folder: Path) -> Runtime:
    """Replace, in the loaded model, every linear layer whose format has a kernel on its device; the model must compute in bfloat16.

    Raises InfrastructureError where the fast model's logits are not those of the dequantized one (relative difference above TOLERANCE).
    """
    import torch

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    quantization = config.get("quantization_config") or {}
    dense = f"dense {engine.dtype}"
    if quantization.get("quant_method") != "compressed-tensors":
        return Runtime(dense)
    activations = any((group or {}).get("input_activations") for group in (quantization.get("config_groups") or {}).values())
    if activations:
        return Runtime(f"{dense}, unpacked: {NONE}", why_not="activations are rounded too, and torch has no such kernel for this device")
    if engine.dtype != "bfloat16":
        return Runtime(
            f"{dense}, unpacked: {NONE}", why_not=f"torch's weight-only kernels gain in bfloat16 alone, and this runs in {engine.dtype}"
        )
    linear = {name: module for name, module in engine.model.named_modules() if isinstance(module, torch.nn.Linear)}
    wanted = {name: scheme for name in linear if (scheme := declared(name, quantization)) is not None}
    refused = next((reason for scheme in wanted.values() if (reason := _refusal(scheme)) is not None), None)
    if refused is not None or not wanted:
        return Runtime(f"{dense}, unpacked: {NONE}", why_not=refused or "no linear layer is quantized")
    before = _logits(engine)
    total = len(linear)
    for name, parts in _stored(folder, wanted):
        # Popped, so that each dense layer is freed before the next one is packed.
        engine.model.set_submodule(name, _layer(linear.pop(name), parts, wanted[name]))
    del linear
    _return_memory()
    error = _difference(before, _logits(engine))
    if not error <= TOLERANCE:
        raise InfrastructureError(
            f"unicomp: the fast runtime of {folder} is not the same model: its logits differ by {error:.3f} of their size from the dequantized "
            f"ones, at most {TOLERANCE} is rounding; nothing was timed."
        )
    bits = sorted({scheme.bits for scheme in wanted.values()})
    width = "int8" if bits[-1] > 4 else "int4"
    narrower = "" if bits == [4] or bits == [8] else f" (codes of {', '.join(map(str, bits))} bits)"
    groups = sorted({scheme.group or 0 for scheme in wanted.values()})
    spread = "per output" if groups == [0] else f"group {', '.join(map(str, groups))}"
    return Runtime(f"torch {width} weight-only, {spread}{narrower}", len(wanted), total, error)


def _refusal(scheme: Declared) -> str | None:
    if scheme.kind != "int":
        return f"{scheme.bits}-bit {scheme.kind} weights, for which torch has no weight-only kernel on this device"
    if scheme.strategy not in ("group", "channel"):
        return f"scales per {scheme.strategy}"
    if scheme.bits <= 4 and scheme.group not in INT4_GROUPS:
        return f"{scheme.bits} bits in groups of {scheme.group}; torch's int4 kernel takes {', '.join(map(str, INT4_GROUPS))}"
    if scheme.bits > 4 and not scheme.symmetric:
        return f"{scheme.bits} bits with zero points; torch's int8 kernel takes symmetric codes"
    return None


def _stored(folder: Path, wanted: Mapping[str, Declared]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each wanted layer with its stored tensors by last name, one layer in memory at a time."""
    from safetensors import safe_open

    places: dict[str, dict[str, Path]] = {}
    for file in weight_files(folder):
        with safe_open(file, "pt") as stored:
            for key in stored.keys():  # noqa: SIM118 - not a mapping
                module, _, kind = key.rpartition(".")
                if module in wanted:
                    places.setdefault(module, {})[kind] = file
    for module in wanted:
        parts = {}
        for kind, file in places.get(module, {}).items():
            with safe_open(file, "pt") as stored:
                parts[kind] = stored.get_tensor(f"{module}.{kind}")
        if "weight_scale" not in parts:
            raise InfrastructureError(f"unicomp: the checkpoint {folder} declares {module} quantized and stores no scale for it.")
        yield module, parts


def _layer(module: Any, parts: Mapping[str, Any], scheme: Declared) -> Any:
    import torch
    from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32

    outputs, inputs = module.out_features, module.in_features
    device, dtype = module.weight.device, module.weight.dtype
    group = scheme.group or inputs
    codes = parts.get("weight")
    if codes is None:
        codes = unpack_from_int32(parts["weight_packed"], scheme.bits, torch.Size((outputs, inputs)))
    scales = parts["weight_scale"].float().reshape(outputs, -1)
    zeros = torch.zeros_like(scales)
    if not scheme.symmetric and "weight_zero_point" in parts:
        zero = parts["weight_zero_point"]
        if zero.dtype == torch.int32:
            zero = unpack_from_int32(zero, scheme.bits, torch.Size((outputs, scales.shape[1])), packed_dim=0)
        zeros = zero.float().reshape(outputs, -1)
    bias = None if module.bias is None else module.bias.data
    int4, int8 = classes()
    if scheme.bits <= 4:
        return int4(codes.to(device), scales.to(device), zeros.to(device), group, bias, dtype)
    return int8(codes.to(device), scales.to(device), group, bias, dtype)


def _logits(engine: Engine) -> Any:
    import torch

    vocabulary = int(engine.model.get_input_embeddings().weight.shape[0])
    tokens = torch.randint(0, vocabulary, PROBE_TOKENS, generator=torch.Generator().manual_seed(0)).to(engine.device)
    with torch.inference_mode():
        return engine.model(tokens).logits.float().clone()


def _difference(before: Any, after: Any) -> float:
    return float((after - before).square().mean().sqrt() / before.square().mean().sqrt().clamp(min=1e-9))


def _return_memory() -> None:
    """Give freed memory back to the system: the C library keeps what the dense layers held, and it would count as the fast model's."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
