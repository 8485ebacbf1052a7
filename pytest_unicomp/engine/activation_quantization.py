"""Make a loaded compressed-tensors model round its activations where its checkpoint says so, and nowhere else pay for asking."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


def settle(model: Any, quantization: Mapping[str, Any]) -> None:
    """Prepare an unpacked model in place, given its `quantization_config`: layers with an activation scheme keep compressed-tensors' rounding
    forward, all others get back their plain one.

    Layers of experts get theirs here: transformers fuses them into 3-D weights when it loads, which no longer are the Linear layers that the
    scheme names. The rounding itself is compressed-tensors' `forward_quantize` (scales per token, found as they come).
    """
    scheme = _expert_scheme(model, quantization)
    if scheme is not None and rounds(scheme):
        _round_experts(model, scheme)
    for module in model.modules():
        own = getattr(module, "quantization_scheme", None)
        if own is None:
            continue
        if rounds(own):
            module.forward = _token_by_token(module.forward)
        else:
            # compressed-tensors wraps every layer that has a scheme; weights are unpacked already, so that here the wrapper only costs time.
            vars(module).pop("forward", None)


def rounds(scheme: Any) -> bool:
    """Say whether a quantization scheme rounds inputs or outputs."""
    return scheme.input_activations is not None or scheme.output_activations is not None


def _token_by_token(forward: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `forward` with inputs of two dimensions lent a third: without it compressed-tensors takes one scale for all tokens together.

    Experts get such inputs, (tokens x hidden), from whatever else is in the batch; its `compute_dynamic_scales_and_zp` keeps the first two
    dimensions of a per-token scale, expecting (batch x tokens x hidden).
    """

    def by_token(inputs: Any) -> Any:
        return forward(inputs[None])[0] if inputs.ndim == 2 else forward(inputs)

    return by_token


def _expert_scheme(model: Any, quantization: Mapping[str, Any]) -> Any:
    """Return the scheme of the experts, or None where the model has none that transformers fused."""
    if not any(weight.ndim == 3 and ".experts." in name for name, weight in model.named_parameters()):
        return None
    from compressed_tensors.quantization import QuantizationConfig
    from transformers.integrations.compressed_tensors import get_experts_scheme

    known = {key: value for key, value in quantization.items() if key in QuantizationConfig.model_fields}
    return get_experts_scheme(QuantizationConfig.model_validate(known))


def _round_experts(model: Any, scheme: Any) -> None:
    """Split fused experts into Linear layers with llm-compressor and let each round its activations by `scheme`."""
    import torch
    from compressed_tensors.quantization import QuantizationStatus
    from compressed_tensors.quantization.lifecycle.forward import set_forward_quantized

    with _library_log_off():
        from llmcompressor.modeling.moe.linearize import get_linearized_moes, linearize_moe

        linearize_moe(model)
    for _, experts in get_linearized_moes(model):
        for layer in experts.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.quantization_scheme = scheme
                layer.quantization_status = QuantizationStatus.DECOMPRESSED
                set_forward_quantized(layer)


@contextmanager
def _library_log_off() -> Iterator[None]:
    """llm-compressor's first import removes the log handlers of the whole process unless this variable is set."""
    from loguru import logger

    name = "LLM_COMPRESSOR_LOG_DISABLED"
    before = os.environ.get(name)
    os.environ[name] = "true"
    logger.disable("llmcompressor")
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
