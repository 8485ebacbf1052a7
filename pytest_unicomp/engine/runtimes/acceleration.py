"""Replaces a checkpoint's dense layers by the kernels of its format, and verifies that the model still computes the same logits."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.checkpoints.config_json import read_config
from pytest_unicomp.checkpoints.formats.compressed_tensors import declared
from pytest_unicomp.checkpoints.formats.layer import Declared
from pytest_unicomp.engine.malloc_trim import trim
from pytest_unicomp.engine.runtimes import kernels, semi_structured
from pytest_unicomp.engine.runtimes.stored_layers import build_layer, read_layers
from pytest_unicomp.engine.runtimes.weight_only import INT4_GROUPS

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

NONE = "no accelerated kernel here"
# Largest relative difference of two outputs, RMS(difference) / RMS(output), that rounding to bfloat16 in another order explains.
TOLERANCE = 0.03
PROBE_TOKENS = (2, 48)
PROBE_ROWS = 16
# Weights count as pruned from this share of zeros in the decoder's linear layers.
MIN_PRUNED_SHARE = 0.25


@dataclass(frozen=True)
class Runtime:
    """`kernel` names what computes the linear layers; it computes `layers` of the `linear_layers` of the model. `error` is the relative difference of
    the logits from those of the dequantized model, None if no layer was replaced; `reason` says why a compressed format has no kernel."""

    kernel: str
    layers: int = 0
    linear_layers: int = 0
    error: float | None = None
    reason: str | None = None


def accelerate(engine: Engine, folder: Path) -> Runtime:
    """Replace every linear layer of the loaded model if its format has a kernel on the device; integer kernels compute in bfloat16.

    Raises InfrastructureError if a layer's outputs or the model's logits differ from those of the dequantized model by more than rounding explains.
    """
    import torch

    config = read_config(folder)
    quantization = config.get("quantization_config") or {}
    linear = {name: module for name, module in engine.model.named_modules() if isinstance(module, torch.nn.Linear)}
    if not quantization:
        return _accelerate_pruned(engine, folder, linear)
    if quantization.get("quant_method") != "compressed-tensors":
        return _dense(engine, f"a format that is not compressed-tensors ({quantization.get('quant_method')})")
    wanted = {name: scheme for name in linear if (scheme := declared(name, quantization)) is not None}
    reasons = (
        _no_kernel_reason(scheme, quantization, engine) or _shape_reason(linear[name], scheme, engine) for name, scheme in wanted.items()
    )
    reason = next((reason for reason in reasons if reason is not None), None)
    if reason is not None or not wanted:
        return _dense(engine, reason or "no linear layer is quantized")
    total = len(linear)
    builders = ((name, partial(build_layer, parts=parts, scheme=wanted[name])) for name, parts in read_layers(folder, wanted))
    error = _replace_layers(engine, folder, linear, builders)
    return Runtime(_kernel_name(wanted), len(wanted), total, error)


def _dense(engine: Engine, reason: str) -> Runtime:
    return Runtime(f"dense {engine.dtype}: {NONE} ({reason})", reason=reason)


def _replace_layers(engine: Engine, folder: Path, linear: dict[str, Any], builders: Iterator[tuple[str, Callable[[Any], Any]]]) -> float:
    """Replace layers by what their builders return, and return the relative difference of the logits.

    Raises InfrastructureError if rounding does not explain the difference of a layer's outputs, or of the logits. If activations are quantized to 8
    bits, noise in the last bit of one layer changes the rounding in the next ones: the same model in another dtype then differs from itself as much
    as from the model without quantized activations, and the logits may differ by that much.
    """
    before = _logits(engine)
    allowed = max(TOLERANCE, _activation_quantization_effect(engine, linear, before))
    for name, build in builders:
        # Popped, so that each dense layer is freed before the next one is packed.
        dense = linear.pop(name)
        fast = build(dense)
        _require(folder, f"the outputs of {name}", _layer_difference(dense, fast), TOLERANCE)
        engine.model.set_submodule(name, fast)
    linear.clear()
    # Freed memory of the dense layers that the C library keeps would count as that of the fast model.
    gc.collect()
    trim()
    error = _relative_difference(before, _logits(engine))
    _require(folder, "its logits", error, allowed)
    return error


def _require(folder: Path, what: str, error: float, allowed: float) -> None:
    if not error <= allowed:
        raise InfrastructureError(
            f"unicomp: the fast runtime of {folder} is not the same model: {what} differ by {error:.3f} of their size from the dequantized model; "
            f"expected at most {allowed:.3f}, which rounding explains; nothing was timed."
        )


def _layer_difference(dense: Any, fast: Any) -> float:
    """Return the relative difference of the outputs of two layers for the same random inputs."""
    import torch

    x = torch.randn(PROBE_ROWS, dense.in_features, generator=torch.Generator().manual_seed(0))
    x = x.to(dense.weight.device, dense.weight.dtype)
    with torch.inference_mode():
        return _relative_difference(dense(x).float(), fast(x).float())


def _activation_quantization_effect(engine: Engine, linear: Mapping[str, Any], quantized: Any) -> float:
    """Return the relative difference that quantizing activations makes to the logits; 0 if none are quantized."""
    own = {name: vars(module).pop("forward") for name, module in linear.items() if "forward" in vars(module)}
    if not own:
        return 0.0
    try:
        return _relative_difference(_logits(engine), quantized)
    finally:
        for name, forward in own.items():
            linear[name].forward = forward


def _accelerate_pruned(engine: Engine, folder: Path, linear: dict[str, Any]) -> Runtime:
    """Replace layers with 2:4 sparse weights by their kernel. Other weights stay dense; if they were pruned, the reason is in the Runtime."""
    head = engine.model.get_output_embeddings()
    inner = {name: module for name, module in linear.items() if module is not head}
    total = sum(module.weight.numel() for module in inner.values())
    zeros = sum(int((module.weight == 0).sum()) for module in inner.values())
    if not total or zeros < MIN_PRUNED_SHARE * total:
        return Runtime(f"dense {engine.dtype}")
    fitting = [name for name, module in inner.items() if semi_structured.is_2of4(module.weight)]
    count = len(inner)
    # No reference may keep a dense layer alive once it is compressed.
    inner.clear()
    reason = kernels.unavailable_reason("2of4", engine.device)
    if not fitting:
        return _dense(engine, f"{100 * zeros / total:.0f} % of the weights are zero, without a structure that a kernel uses")
    if reason is None and engine.dtype not in ("bfloat16", "float16"):
        reason = f"2:4 kernels multiply 16-bit floats, and this runs in {engine.dtype}"
    if reason is not None:
        return _dense(engine, reason)
    sparse_linear = semi_structured.linear_class()
    builders = (
        (name, lambda module: sparse_linear(module.weight.data, None if module.bias is None else module.bias.data)) for name in fitting
    )
    error = _replace_layers(engine, folder, linear, builders)
    return Runtime("torch 2:4 semi-structured", len(fitting), count, error)


def _kernel_name(wanted: Mapping[str, Declared]) -> str:
    """Return the name of the kernel for reports, with widths and groups of the layers."""
    if any(scheme.kind == "float" for scheme in wanted.values()):
        return "torch fp8, activations rounded per token"
    bits = sorted({scheme.bits for scheme in wanted.values()})
    width = "int8" if bits[-1] > 4 else "int4"
    narrower = "" if bits == [4] or bits == [8] else f" (codes of {', '.join(map(str, bits))} bits)"
    groups = sorted({scheme.group or 0 for scheme in wanted.values()})
    spread = "per output" if groups == [0] else f"group {', '.join(map(str, groups))}"
    return f"torch {width} weight-only, {spread}{narrower}"


def _no_kernel_reason(scheme: Declared, quantization: Mapping[str, Any], engine: Engine) -> str | None:
    """Return why a scheme has no kernel on this device and in this dtype, or None if it has one."""
    inputs = [group["input_activations"] for group in quantization["config_groups"].values() if group and group.get("input_activations")]
    if scheme.kind == "float" and scheme.bits == 8:
        if (
            not all(given.get("dynamic") and given.get("strategy") == "token" and given.get("type") == "float" for given in inputs)
            or not inputs
        ):
            return "activations are not rounded to 8-bit floats per token"
        if scheme.strategy not in ("channel", "tensor"):
            return f"8-bit floats with scales per {scheme.strategy}"
        if engine.dtype != "bfloat16":
            return f"torch's product of 8-bit floats with scales per row gives bfloat16 alone, and this runs in {engine.dtype}"
        return kernels.unavailable_reason("fp8", engine.device)
    if inputs:
        return "activations are rounded too, and torch has no such kernel for this device"
    if scheme.kind != "int":
        return f"{scheme.bits}-bit {scheme.kind} weights, for which torch has no weight-only kernel on this device"
    if engine.dtype != "bfloat16":
        return f"torch's weight-only kernels gain in bfloat16 alone, and this runs in {engine.dtype}"
    if scheme.strategy not in ("group", "channel"):
        return f"scales per {scheme.strategy}"
    if scheme.bits <= 4 and scheme.group not in INT4_GROUPS:
        return f"{scheme.bits} bits in groups of {scheme.group}; torch's int4 kernel takes {', '.join(map(str, INT4_GROUPS))}"
    if scheme.bits > 4 and not scheme.symmetric:
        return f"{scheme.bits} bits with zero points; torch's int8 kernel takes symmetric codes"
    return kernels.unavailable_reason("int4" if scheme.bits <= 4 else "int8", engine.device)


def _shape_reason(module: Any, scheme: Declared, engine: Engine) -> str | None:
    format_: kernels.Format = "fp8" if scheme.kind == "float" else "int4" if scheme.bits <= 4 else "int8"
    reason = kernels.unsupported_shape(format_, module.out_features, module.in_features, engine.device)
    return None if reason is None else f"a layer of {module.out_features} x {module.in_features}: {reason}"


def _logits(engine: Engine) -> Any:
    """Return the logits of fixed random tokens, float32, shape (*PROBE_TOKENS, vocabulary)."""
    import torch

    vocabulary = int(engine.model.get_input_embeddings().weight.shape[0])
    tokens = torch.randint(0, vocabulary, PROBE_TOKENS, generator=torch.Generator().manual_seed(0)).to(engine.device)
    with torch.inference_mode():
        return engine.model(tokens).logits.float().clone()


def _relative_difference(before: Any, after: Any) -> float:
    """Return RMS(after - before) / RMS(before)."""
    return float((after - before).square().mean().sqrt() / before.square().mean().sqrt().clamp(min=1e-9))
