"""Finds what config.json leaves out or gets wrong about quantization: codes that it does not declare, layers left dense, packed routers, missing scales."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.formats import compressed_tensors, gptq
from pytest_unicomp.checkpoints.safetensors_reader import IN_BLOCK, Tensor

CODES = ("weight_packed", "qweight")
# Tensors that only a quantized layer has, in the formats of compressed-tensors, ModelOpt, GPTQ, AWQ, bitsandbytes, MXFP4 and fine-grained FP8.
BESIDE_CODES = (
    *(
        "weight_scale",
        "weight_scale_inv",
        "weight_scale_2",
        "weight_global_scale",
        "weight_zero_point",
        "input_scale",
        "input_global_scale",
    ),
    *("qzeros", "absmax", "SCB", "gate_up_proj_blocks", "down_proj_blocks", "gate_up_proj_scales", "down_proj_scales"),
)
EIGHT_BITS = ("F8_E4M3", "F8_E5M2", "I8", "U8")
WIDE = ("F64", "F32", "F16", "BF16")
HEADS = ("lm_head", "embed_out")
ROUTERS = ("gate", "router")
# The layers of a block that GPTQ and AWQ tools quantize in every model; what else they take depends on the model.
ALWAYS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# Their layers are transformers' Conv1D, which no target "Linear" means.
CONVOLUTIONS = ("gpt2", "openai-gpt", "imagegpt")
KEYS = ("k_proj", "qkv_proj", "query_key_value", "kv_b_proj")


def undeclared(tensors: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield one line with the tensors that show quantization, given `tensors` of a checkpoint whose config.json declares none."""
    kinds: dict[str, list[str]] = {}
    for name, tensor in tensors.items():
        kind = name.rpartition(".")[2]
        if kind in CODES:
            kinds.setdefault("packed weights", []).append(name)
        elif kind in BESIDE_CODES:
            kinds.setdefault(f"{kind} of quantized layers", []).append(name)
        elif kind == "weight" and len(tensor.shape) >= 2 and tensor.dtype in EIGHT_BITS:
            kinds.setdefault(f"weights in {tensor.dtype}", []).append(name)
    found = [f"{len(names)} {what} (first {names[0]})" for what, names in kinds.items()]
    if found:
        yield f"config.json declares no quantization, but the files hold {', '.join(found)}"


def left_dense(candidate: Checkpoint) -> Iterator[str]:
    """Yield each layer that config.json declares quantized and that is stored dense.

    compressed-tensors means every Linear layer of a decoder block by the target "Linear", and an untied head too. GPTQ and AWQ mean the
    projections of attention and MLP; other layers and experts are expected quantized only if a layer of the same name is somewhere.
    """
    packed = {layer.name for layer in candidate.layers}
    kinds = {name.rpartition(".")[2] for name in packed}
    scheme = candidate.method == "compressed-tensors"
    for name, tensor in candidate.tensors.items():
        module, _, kind = name.rpartition(".")
        last = module.rpartition(".")[2]
        if kind != "weight" or module in packed or len(tensor.shape) != 2 or last in ROUTERS or tensor.dtype not in WIDE:
            continue
        head = scheme and last in HEADS and not candidate.text_config.get("tie_word_embeddings", False)
        of_block = bool(IN_BLOCK.search(name)) and ".experts." not in name
        meant = head or last in kinds or (of_block and (_linear(candidate) if scheme else last in ALWAYS))
        if meant and not left_out(module, candidate):
            yield f"{module} is dense, though {candidate.declaration} declares it quantized"


def _linear(candidate: Checkpoint) -> bool:
    return candidate.config.get("model_type") not in CONVOLUTIONS


def left_out(module: str, candidate: Checkpoint) -> bool:
    """Return True if config.json leaves the module out of the quantization."""
    declared = candidate.quantization
    if candidate.method == "compressed-tensors":
        ignored = declared.get("ignore") or ()
        return compressed_tensors.declared(module, declared) is None or any(
            compressed_tensors.matches(name, ignored) for name in _names(module)
        )
    excluded = [
        str(part)
        for key in ("modules_to_not_convert", "llm_int8_skip_modules", "ignore", "exclude_modules")
        for part in declared.get(key) or ()
    ]
    if any(part in module for part in excluded):
        return True
    inside = [
        str(part) for parts in declared.get("modules_in_block_to_quantize") or () for part in ([parts] if isinstance(parts, str) else parts)
    ]
    if inside and not any(module.endswith(part) for part in inside):
        return True
    return candidate.method == "gptq" and gptq.excluded(module, declared)


def _names(module: str) -> Iterator[str]:
    """Yield the names that a module may have in memory, where ignore lists take them from: the library that stores it renames heads and prefixes."""
    if module.rpartition(".")[2] in HEADS:
        yield from HEADS
    parts = module.split(".")
    yield from (".".join(parts[place:]) for place in range(1, len(parts) - 1))
    for prefix in ("model", "model.language_model", "language_model", "language_model.model", "transformer"):
        for place in range(len(parts) - 1):
            yield ".".join((prefix, *parts[place:]))


def wrongly_packed(candidate: Checkpoint) -> Iterator[str]:
    """Yield each packed layer that config.json leaves out, and each packed router: engines read routers dense."""
    experts = any("experts" in key for key in candidate.text_config)
    for layer in candidate.layers:
        if experts and layer.name.rpartition(".")[2] in ROUTERS:
            yield f"{layer.name} is packed, but it is a router, which engines read dense"
        elif candidate.method != "compressed-tensors" and not layer.problems and left_out(layer.name, candidate):
            yield f"{layer.name} is packed, though {candidate.declaration} leaves it out"


def missing_scales(candidate: Checkpoint) -> Iterator[str]:
    """Yield one line per kind of static scale (of activations, of the KV cache) that config.json declares and the files lack."""
    if candidate.method != "compressed-tensors":
        return
    for part, needed in (("input_activations", "input_scale"), ("output_activations", "output_scale")):
        layers = [layer for layer in candidate.layers if _static(compressed_tensors.arguments(layer.name, candidate.quantization, part))]
        names = (needed, needed.replace("_scale", "_global_scale"))
        lacking = [layer.name for layer in layers if not any(name in layer.parts for name in names)]
        if lacking:
            yield (
                f"{lacking[0]} has no {needed}, though config.json declares static {part.replace('_', ' ')} "
                f"({len(lacking)} of {len(layers)} layers lack it)"
            )
    if _static(candidate.quantization.get("kv_cache_scheme")):
        yield from _missing_cache_scales(candidate.tensors)


def _static(arguments: Mapping[str, Any] | None) -> bool:
    return bool(arguments) and (arguments or {}).get("dynamic", False) is False


def _missing_cache_scales(tensors: Mapping[str, Tensor]) -> Iterator[str]:
    modules = {name.rpartition(".")[0] for name in tensors}
    attention = sorted({module.rpartition(".")[0] for module in modules if IN_BLOCK.search(module) and module.rpartition(".")[2] in KEYS})
    for what in ("k", "v"):
        places = (
            f"{what}_scale",
            f"attn.{what}_scale",
            f"{what}_proj.output_scale",
            f"{what}_proj.{what}_scale",
            "kv_scale",
            "qkv_proj.output_scale",
        )
        lacking = [module for module in attention if not any(f"{module}.{place}" in tensors for place in places)]
        if lacking:
            yield (
                f"{lacking[0]} has no {what}_scale, though config.json declares static scales of the KV cache "
                f"({len(lacking)} of {len(attention)} attention layers lack it)"
            )
