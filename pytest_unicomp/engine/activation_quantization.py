"""Quantizes activations of a loaded compressed-tensors model as its checkpoint declares, and restores the plain forward of all other layers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


def apply_activation_quantization(model: Any, quantization: Mapping[str, Any]) -> None:
    """Prepare a dequantized model in place, given its `quantization_config`.

    Layers whose scheme quantizes activations keep the forward of compressed-tensors (`forward_quantize`, dynamic scales per token). All
    other layers get their plain forward back. Attention modules that `kv_cache_scheme` names keep the hook of compressed-tensors, which
    rounds keys and values before they reach any KV cache, and before attention if there is none. Experts are handled here: transformers
    fuses them into 3-D weights, which are no longer the Linear layers that the scheme names.
    """
    scheme = _expert_scheme(model, quantization)
    if scheme is not None and quantizes_activations(scheme):
        _quantize_expert_activations(model, scheme)
    for module in model.modules():
        own = getattr(module, "quantization_scheme", None)
        if own is None or hasattr(module, "kv_cache"):
            continue
        if quantizes_activations(own):
            module.forward = _with_scale_per_token(module.forward)
        else:
            # compressed-tensors wraps every layer with a scheme; the weights are dequantized already, so that the wrapper only costs time.
            vars(module).pop("forward", None)


def cast_unpacked_weights(model: Any, dtype: Any) -> None:
    """Give the weights the torch dtype of the computation if loading has left them in another.

    compressed-tensors unpacks 4-bit floats and MX formats to bfloat16 always; transformers leaves weights that it renames (the head of
    GPT-NeoX) in the type of the file.
    """
    for parameter in model.parameters():
        if parameter.is_floating_point() and parameter.dtype.itemsize < dtype.itemsize:
            parameter.data = parameter.data.to(dtype)
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if getattr(module, "quantization_scheme", None) is not None and weight is not None and weight.dtype != dtype:
            weight.data = weight.data.to(dtype)


def quantizes_activations(scheme: Any) -> bool:
    """Return True if a quantization scheme quantizes a layer's inputs or outputs."""
    return scheme.input_activations is not None or scheme.output_activations is not None


def _with_scale_per_token(forward: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `forward` with a batch dimension added to 2-D inputs, without which compressed-tensors uses one scale for all tokens.

    The inputs of experts are (tokens, hidden). `compute_dynamic_scales_and_zp` keeps the first two dimensions for the scale and expects
    (batch, tokens, hidden).
    """

    def with_batch_dimension(inputs: Any) -> Any:
        return forward(inputs[None])[0] if inputs.ndim == 2 else forward(inputs)

    return with_batch_dimension


def _expert_scheme(model: Any, quantization: Mapping[str, Any]) -> Any:
    """Return the scheme of the experts, or None if the model has no experts that transformers fused."""
    if not any(weight.ndim == 3 and ".experts." in name for name, weight in model.named_parameters()):
        return None
    from compressed_tensors.quantization import QuantizationConfig
    from transformers.integrations.compressed_tensors import get_experts_scheme

    known = {key: value for key, value in quantization.items() if key in QuantizationConfig.model_fields}
    return get_experts_scheme(QuantizationConfig.model_validate(known))


def _quantize_expert_activations(model: Any, scheme: Any) -> None:
    """Split fused experts into Linear layers with llm-compressor, and make each quantize its activations by `scheme`."""
    import torch
    from compressed_tensors.quantization import QuantizationStatus
    from compressed_tensors.quantization.lifecycle.forward import set_forward_quantized

    with _llm_compressor_log_disabled():
        from llmcompressor.modeling.moe.linearize import get_linearized_moes, linearize_moe

        linearize_moe(model)
    for _, experts in get_linearized_moes(model):
        for layer in experts.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.quantization_scheme = scheme
                layer.quantization_status = QuantizationStatus.DECOMPRESSED
                set_forward_quantized(layer)


@contextmanager
def _llm_compressor_log_disabled() -> Iterator[None]:
    """Set the variable without which the first import of llm-compressor removes the log handlers of the whole process."""
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
