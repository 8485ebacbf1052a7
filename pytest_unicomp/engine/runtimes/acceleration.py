"""Puts the kernels of its format in place of a checkpoint's dense layers, and proves that the model is still the same."""

from __future__ import annotations

import ctypes
import gc
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.checkpoints.formats.compressed_tensors import declared
from pytest_unicomp.checkpoints.formats.layer import Declared
from pytest_unicomp.engine.runtimes import kernels, semi_structured
from pytest_unicomp.engine.runtimes.stored import layer, stored
from pytest_unicomp.engine.runtimes.weight_only import INT4_GROUPS

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

NONE = "no accelerated kernel here"
# Root mean square of the difference of the logits over that of the logits: what rounding to bfloat16 in another order leaves.
TOLERANCE = 0.03
PROBE_TOKENS = (2, 48)
PROBE_ROWS = 16
# Share of zeros in the decoder's linear layers from which on weights count as pruned.
PRUNED = 0.25


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
    """Replace, in the loaded model, every linear layer whose format has a kernel on its device; integer kernels compute in bfloat16.

    Raises InfrastructureError where the fast model's logits are not those of the dequantized one (relative difference above TOLERANCE).
    """
    import torch

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    quantization = config.get("quantization_config") or {}
    linear = {name: module for name, module in engine.model.named_modules() if isinstance(module, torch.nn.Linear)}
    if not quantization:
        return _pruned(engine, folder, linear)
    if quantization.get("quant_method") != "compressed-tensors":
        return _none(engine, f"a format that is not compressed-tensors ({quantization.get('quant_method')})")
    wanted = {name: scheme for name in linear if (scheme := declared(name, quantization)) is not None}
    reasons = (_refusal(scheme, quantization, engine) or _unfit(linear[name], scheme, engine) for name, scheme in wanted.items())
    refused = next((reason for reason in reasons if reason is not None), None)
    if refused is not None or not wanted:
        return _none(engine, refused or "no linear layer is quantized")
    total = len(linear)
    made = ((name, partial(layer, parts=parts, scheme=wanted[name])) for name, parts in stored(folder, wanted))
    error = _replaced(engine, folder, linear, made)
    return Runtime(_named(wanted), len(wanted), total, error)


def _none(engine: Engine, why: str) -> Runtime:
    return Runtime(f"dense {engine.dtype}: {NONE} ({why})", why_not=why)


def _replaced(engine: Engine, folder: Path, linear: dict[str, Any], made: Iterator[tuple[str, Callable[[Any], Any]]]) -> float:
    """Put the made modules in place and return the relative difference of the logits; raise InfrastructureError where it is more than rounding.

    Every layer is compared by itself too. Where activations are rounded to 8 bits, noise in the last bit of a layer tips the roundings of the next
    ones: the same model in another data type is as far from itself as from the model that does not round. So far the logits may then differ.
    """
    before = _logits(engine)
    allowed = max(TOLERANCE, _effect_of_rounding(engine, linear, before))
    for name, make in made:
        # Popped, so that each dense layer is freed before the next one is packed.
        plain = linear.pop(name)
        fast = make(plain)
        _require(folder, f"layer {name}", _apart(plain, fast), TOLERANCE)
        engine.model.set_submodule(name, fast)
    linear.clear()
    _return_memory()
    error = _difference(before, _logits(engine))
    _require(folder, "its logits", error, allowed)
    return error


def _require(folder: Path, what: str, error: float, allowed: float) -> None:
    if not error <= allowed:
        raise InfrastructureError(
            f"unicomp: the fast runtime of {folder} is not the same model: {what}: {error:.3f} of the size away from what the dequantized one "
            f"computes, at most {allowed:.3f} is rounding; nothing was timed."
        )


def _apart(plain: Any, fast: Any) -> float:
    """Return the relative difference of what two layers make of the same random tokens."""
    import torch

    x = torch.randn(PROBE_ROWS, plain.in_features, generator=torch.Generator().manual_seed(0))
    x = x.to(plain.weight.device, plain.weight.dtype)
    with torch.inference_mode():
        return _difference(plain(x).float(), fast(x).float())


def _effect_of_rounding(engine: Engine, linear: Mapping[str, Any], rounded: Any) -> float:
    """Return how far rounding activations moves the logits; 0 where none are rounded."""
    own = {name: vars(module).pop("forward") for name, module in linear.items() if "forward" in vars(module)}
    if not own:
        return 0.0
    try:
        return _difference(_logits(engine), rounded)
    finally:
        for name, forward in own.items():
            linear[name].forward = forward


def _pruned(engine: Engine, folder: Path, linear: dict[str, Any]) -> Runtime:
    """Run 2:4 sparse weights on their kernel; other weights are dense, and where they were pruned it is said that this gains nothing."""
    head = engine.model.get_output_embeddings()
    inner = {name: module for name, module in linear.items() if module is not head}
    total = sum(module.weight.numel() for module in inner.values())
    zeros = sum(int((module.weight == 0).sum()) for module in inner.values())
    if not total or zeros < PRUNED * total:
        return Runtime(f"dense {engine.dtype}")
    fitting = [name for name, module in inner.items() if semi_structured.is_2of4(module.weight)]
    count = len(inner)
    # Each dense layer is to be freed before the next one is compressed.
    inner.clear()
    missing = kernels.missing("2of4", engine.device)
    if not fitting:
        return _none(engine, f"{100 * zeros / total:.0f} % of the weights are zero, without a structure that a kernel uses")
    if missing is None and engine.dtype not in ("bfloat16", "float16"):
        missing = f"2:4 kernels multiply 16-bit floats, and this runs in {engine.dtype}"
    if missing is not None:
        return _none(engine, missing)
    sparse = semi_structured.linear()
    made = ((name, lambda module: sparse(module.weight.data, None if module.bias is None else module.bias.data)) for name in fitting)
    error = _replaced(engine, folder, linear, made)
    return Runtime("torch 2:4 semi-structured", len(fitting), count, error)


def _named(wanted: Mapping[str, Declared]) -> str:
    if any(scheme.kind == "float" for scheme in wanted.values()):
        return "torch fp8, activations rounded per token"
    bits = sorted({scheme.bits for scheme in wanted.values()})
    width = "int8" if bits[-1] > 4 else "int4"
    narrower = "" if bits == [4] or bits == [8] else f" (codes of {', '.join(map(str, bits))} bits)"
    groups = sorted({scheme.group or 0 for scheme in wanted.values()})
    spread = "per output" if groups == [0] else f"group {', '.join(map(str, groups))}"
    return f"torch {width} weight-only, {spread}{narrower}"


def _refusal(scheme: Declared, quantization: Mapping[str, Any], engine: Engine) -> str | None:
    """Say why a scheme has no kernel here, or None where it has one."""
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
        return kernels.missing("fp8", engine.device)
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
    return kernels.missing("int4" if scheme.bits <= 4 else "int8", engine.device)


def _unfit(module: Any, scheme: Declared, engine: Engine) -> str | None:
    format_: kernels.Format = "fp8" if scheme.kind == "float" else "int4" if scheme.bits <= 4 else "int8"
    reason = kernels.unfit(format_, module.out_features, module.in_features, engine.device)
    return None if reason is None else f"a layer of {module.out_features} x {module.in_features}: {reason}"


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
