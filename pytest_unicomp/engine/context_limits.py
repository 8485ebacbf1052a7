"""Up to which lengths a model's tokens mean the same whatever they are read with, by its configuration: windows of attention, and turns of positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

# Rotary positions whose factors follow the longest sequence of a pass (`transformers.modeling_rope_utils.dynamic_rope_update`).
TURNING = ("longrope", "dynamic")


def attended(model: Any) -> int | None:
    """Return up to how many tokens every layer sees everything before it, None for any number, 0 where no beginning may be shared."""
    config = model.config.get_text_config()
    if getattr(config, "attention_layers", None):
        # GPT-Neo's: it counts places of a row, where branches lie side by side, in a table that ends with the model's context.
        return 0
    kinds = set(getattr(config, "layer_types", None) or ())
    limits = [getattr(config, "attention_chunk_size", None)] if "chunked_attention" in kinds or not kinds else []
    if "sliding_attention" in kinds or (not kinds and getattr(config, "use_sliding_window", True)):
        limits.append(getattr(config, "sliding_window", None))
    return min((int(limit) for limit in limits if limit), default=None)


def shareable(model: Any) -> int | None:
    """Return up to how many tokens sequences may share beginnings, None for any number, 0 for none."""
    limits = [attended(model), *(length for _, length in _turns(model))]
    return min((limit for limit in limits if limit is not None), default=None)


def sides(model: Any) -> Callable[[int], int]:
    """Return what says of a length on which side of the model's turns it lies, 0 before all: sequences of one side may be read in one pass."""
    turns = list(_turns(model))

    def side(tokens: int) -> int:
        # Two sets of factors, or one for each length.
        return sum(1 if kind == "longrope" else tokens for kind, length in turns if tokens > length)

    return side


def _turns(model: Any) -> Iterator[tuple[str, int]]:
    """Yield the kind of each set of rotary positions that turns, and the greatest length that is still read with the first factors."""
    config = model.config.get_text_config()
    most = getattr(config, "max_position_embeddings", None)
    given = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    # One for all layers, or one for each kind of layer.
    for settings in (given, *given.values()):
        kind = (settings.get("rope_type") or settings.get("type")) if isinstance(settings, dict) else None
        if kind not in TURNING:
            continue
        first = getattr(config, "original_max_position_embeddings", None) or settings.get("original_max_position_embeddings")
        length = (first or most) if kind == "longrope" else most
        if length:
            yield kind, int(length)
