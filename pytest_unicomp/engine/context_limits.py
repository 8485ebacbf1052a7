"""Sequence lengths at which a model changes how it reads tokens, by its configuration: sliding windows, and RoPE scaling that depends on the length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

# RoPE scaling whose frequencies depend on the longest sequence of a batch (`transformers.modeling_rope_utils.dynamic_rope_update`).
LENGTH_DEPENDENT_ROPE = ("longrope", "dynamic")


def attention_window(model: Any) -> int | None:
    """Return the number of tokens up to which every layer attends to all earlier ones; None if unlimited, 0 if prefixes must not be shared at all."""
    config = model.config.get_text_config()
    if getattr(config, "attention_layers", None):
        # GPT-Neo masks by column in a table of the model's context length, which is wrong if branches lie side by side in a row.
        return 0
    kinds = set(getattr(config, "layer_types", None) or ())
    limits = [getattr(config, "attention_chunk_size", None)] if "chunked_attention" in kinds or not kinds else []
    if "sliding_attention" in kinds or (not kinds and getattr(config, "use_sliding_window", True)):
        limits.append(getattr(config, "sliding_window", None))
    return min((int(limit) for limit in limits if limit), default=None)


def shared_prefix_limit(model: Any) -> int | None:
    """Return the longest sequence, in tokens, that may share a cached prefix with others; None if unlimited, 0 if none may."""
    limits = [attention_window(model), *(length for _, length in rope_switch_lengths(model))]
    return min((limit for limit in limits if limit is not None), default=None)


def rope_regime(model: Any) -> Callable[[int], int]:
    """Return a function from a length in tokens to the number of its RoPE regime, 0 for the shortest.

    Sequences of one regime get the same rotary frequencies, and may be in one batch.
    """
    switches = list(rope_switch_lengths(model))

    def regime(tokens: int) -> int:
        # LongRoPE has two sets of frequencies; dynamic scaling has another one for each length.
        return sum(1 if kind == "longrope" else tokens for kind, length in switches if tokens > length)

    return regime


def rope_switch_lengths(model: Any) -> Iterator[tuple[str, int]]:
    """Yield (RoPE type, greatest length in tokens that still has the first frequencies) for each length-dependent RoPE of the model."""
    config = model.config.get_text_config()
    context = getattr(config, "max_position_embeddings", None)
    parameters = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    # Either one set of parameters for all layers, or one for each type of layer.
    for settings in (parameters, *parameters.values()):
        kind = (settings.get("rope_type") or settings.get("type")) if isinstance(settings, dict) else None
        if kind not in LENGTH_DEPENDENT_ROPE:
            continue
        original = getattr(config, "original_max_position_embeddings", None) or settings.get("original_max_position_embeddings")
        length = (original or context) if kind == "longrope" else context
        if length:
            yield kind, int(length)
