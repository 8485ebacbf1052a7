"""From a GGUF file's metadata to transformers' configuration: what transformers reads, completed by what it leaves out, or refused.

transformers maps sizes alone. Scaling of the rotary positions, their share of a head, soft caps of logits and windows would silently be the
class's defaults; here every key `<architecture>.*` is either understood or named in a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.gguf.reader import GgufFile

# Keys whose value decides the shape of a tensor: loading fails if the configuration says otherwise.
SHAPES = frozenset(
    {
        "block_count",
        "embedding_length",
        "feed_forward_length",
        "attention.head_count",
        "attention.head_count_kv",
        "attention.value_length",
        "vocab_size",
        "expert_count",
        "expert_shared_feed_forward_length",
    }
)
# Keys that transformers maps itself or that say nothing about what is computed.
MAPPED = frozenset(
    {
        "context_length",
        "attention.layer_norm_rms_epsilon",
        "attention.layer_norm_epsilon",
        "rope.freq_base",
        "expert_used_count",
        "attention.sliding_window",
        "attention.causal",
        "tensor_data_layout",
    }
)
# Tensors that hold no weights but divisors of the rotary frequencies.
FREQUENCIES = "rope_freqs.weight"
SHORT, LONG = "rope_factors_short.weight", "rope_factors_long.weight"
ROTARY_TENSORS = frozenset({FREQUENCIES, SHORT, LONG})
# Architectures whose GGUF files say less than transformers needs to compute the same: their defaults differ between sizes of one family.
NOT_UNPACKED = frozenset({"t5", "t5encoder", "mamba", "gemma4", "deci", "decilm", "umt5"})


def refusal(file: GgufFile) -> str | None:
    """Return in one phrase why the file's architecture cannot be unpacked to a transformers model, or None if it can."""
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    known = {name.replace("_", "") for name in GGUF_SUPPORTED_ARCHITECTURES}
    named = file.architecture
    if named in NOT_UNPACKED or named.replace("-", "").replace("_", "") not in known:
        return f"its architecture is {named!r}, which cannot be unpacked here"
    prefix = f"{named}."
    unknown = sorted(
        key for key in (full.removeprefix(prefix) for full in file.metadata if full.startswith(prefix)) if not _understood(key)
    )
    return f"it states {prefix}{unknown[0]} = {file.of_architecture(unknown[0])!r}, which is not understood here" if unknown else None


def _understood(key: str) -> bool:
    return key in SHAPES or key in MAPPED or key in SETTERS or key.startswith("rope.scaling.")


def configuration(file: GgufFile, read_tensor: Callable[[str], Any]) -> Any:
    """Return the transformers configuration of the model in the file.

    `read_tensor(name)` returns a tensor as a float32 numpy array: some files keep divisors of rotary frequencies as tensors. The file is one
    that `refusal` does not refuse.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(file.path.parent, gguf_file=file.path.name, local_files_only=True, trust_remote_code=False)
    for key, setter in SETTERS.items():
        if (value := file.of_architecture(key)) is not None:
            setter(config, value)
    _set_rotary(config, file, read_tensor)
    return config


def _set(attribute: str) -> Callable[[Any, Any], None]:
    def setter(config: Any, value: Any) -> None:
        setattr(config, attribute, value)

    return setter


def _set_rotary_share(config: Any, dimensions: int) -> None:
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if dimensions != head:
        for parameters in _rotary(config):
            parameters["partial_rotary_factor"] = dimensions / head
        config.partial_rotary_factor = dimensions / head


def _set_local_base(config: Any, base: float) -> None:
    parameters = config.rope_parameters
    if isinstance(parameters, dict) and "sliding_attention" in parameters:
        parameters["sliding_attention"]["rope_theta"] = base


def _rotary(config: Any) -> list[dict[str, Any]]:
    """Return the rotary settings of the configuration: one, or one for each type of layer."""
    parameters = getattr(config, "rope_parameters", None) or {}
    nested = [value for value in parameters.values() if isinstance(value, dict)]
    return nested or [parameters]


# To each key that transformers leaves out what sets it; head sizes first, since shares of a head follow from them.
SETTERS: Mapping[str, Callable[[Any, Any], None]] = {
    "attention.key_length": _set("head_dim"),
    "expert_feed_forward_length": _set("moe_intermediate_size"),
    "rope.dimension_count": _set_rotary_share,
    "rope.freq_base_swa": _set_local_base,
    "attn_logit_softcapping": _set("attn_logit_softcapping"),
    "final_logit_softcapping": _set("final_logit_softcapping"),
}


def _set_rotary(config: Any, file: GgufFile, read_tensor: Callable[[str], Any]) -> None:
    """Set how rotary positions are scaled: by a stated type, or by divisors that the file keeps as tensors."""
    scaling = {key: file.of_architecture(f"rope.scaling.{key}") for key in ("type", "factor", "original_context_length", "attn_factor")}
    found: dict[str, Any] = {}
    if FREQUENCIES in file.tensors:
        found = _llama3(config, [float(value) for value in read_tensor(FREQUENCIES)])
    elif SHORT in file.tensors and LONG in file.tensors:
        original = int(scaling["original_context_length"] or config.max_position_embeddings)
        found = {
            "rope_type": "longrope",
            "short_factor": [float(value) for value in read_tensor(SHORT)],
            "long_factor": [float(value) for value in read_tensor(LONG)],
            "original_max_position_embeddings": original,
            "factor": config.max_position_embeddings / original,
            **({} if scaling["attn_factor"] is None else {"attention_factor": float(scaling["attn_factor"])}),
        }
        config.original_max_position_embeddings = original
    elif scaling["type"] in ("linear", "yarn") and scaling["factor"] not in (None, 0, 1):
        found = {"rope_type": scaling["type"], "factor": float(scaling["factor"])}
        if scaling["type"] == "yarn" and scaling["original_context_length"]:
            found["original_max_position_embeddings"] = int(scaling["original_context_length"])
    elif scaling["type"] not in (None, "none", "linear", "yarn", "longrope"):
        raise UsageProblem(
            f"unicomp: {file.path} scales rotary positions by {scaling['type']!r}; expected none, linear, yarn or longrope: serve it with "
            "llama-server and give the server's URL."
        )
    if found:
        for parameters in _rotary(config):
            parameters.update(found)


def _llama3(config: Any, divisors: list[float]) -> dict[str, Any]:
    """Return Llama 3.1's scaling if its formula gives these divisors of the rotary frequencies, else the divisors themselves.

    The formula is that of transformers' `rope_type` "llama3"; llama.cpp's converter stores what it gives.
    """
    for factor in (8.0, 32.0):
        named = {
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        }
        if _close(_llama3_divisors(config, named, len(divisors)), divisors):
            return named
    most = int(config.max_position_embeddings)
    return {
        "rope_type": "longrope",
        "short_factor": divisors,
        "long_factor": divisors,
        "attention_factor": 1.0,
        "original_max_position_embeddings": most,
    }


def _llama3_divisors(config: Any, named: Mapping[str, Any], count: int) -> list[float]:
    import math

    base = float(_rotary(config)[0]["rope_theta"])
    original, low, high = named["original_max_position_embeddings"], named["low_freq_factor"], named["high_freq_factor"]
    found = []
    for place in range(count):
        length = 2 * math.pi * base ** (place / count)
        if length < original / high:
            found.append(1.0)
        elif length > original / low:
            found.append(named["factor"])
        else:
            smooth = (original / length - low) / (high - low)
            found.append(1 / ((1 - smooth) / named["factor"] + smooth))
    return found


def _close(first: list[float], second: list[float]) -> bool:
    return len(first) == len(second) and all(abs(a - b) <= 1e-4 * abs(b) for a, b in zip(first, second, strict=True))
