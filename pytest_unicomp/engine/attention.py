"""Attention whose query heads share key heads without a copy: on a CPU torch's kernel does so with a mask too, where transformers copies keys and values per head."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAME = "unicomp_grouped_sdpa"


def possible(model: Any) -> bool:
    """Say whether a model can gain: it computes on a CPU, by transformers' sdpa, with fewer key heads than query heads."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None)
    fewer = getattr(config, "num_key_value_heads", None) not in (None, heads)
    return fewer and str(model.device) == "cpu" and getattr(config, "_attn_implementation", None) == "sdpa"


@contextmanager
def grouped(model: Any) -> Iterator[None]:
    """Within the block the model's attention is ours, afterwards what it was. The model must be one for which `possible` holds."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    config = model.config.get_text_config()
    before = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def _attention(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **settings: Any) -> tuple[Any, None]:
    """Do as `transformers.integrations.sdpa_attention` does; shapes (batch, heads, tokens, head size), a mask or None for causal attention."""
    from torch.nn.functional import scaled_dot_product_attention
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if attention_mask is None or settings.get("position_bias") is not None or getattr(module, "num_key_value_groups", 1) == 1:
        answer: tuple[Any, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
        return answer
    made = scaled_dot_product_attention(query, key, value, attn_mask=attention_mask, scale=settings.get("scaling"), enable_gqa=True)
    return made.transpose(1, 2).contiguous(), None
