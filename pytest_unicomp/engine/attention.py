"""Attention on a CPU where torch's kernel does more than transformers asks of it: shared key heads without a copy, and a shared beginning without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

Way = Literal["folded", "grouped", "plain"]


def ways(model: Any) -> tuple[Way, ...]:
    """Return how a model's attention may be computed, the fastest first: `folded` and `grouped` by us on a CPU, `plain` as transformers does.

    Ours needs a model that transformers' sdpa serves; `grouped` fewer key heads than query heads.
    """
    config = model.config.get_text_config()
    if str(model.device) != "cpu" or getattr(config, "_attn_implementation", None) != "sdpa":
        return ("plain",)
    heads = getattr(config, "num_attention_heads", None)
    fewer = getattr(config, "num_key_value_heads", None) not in (None, heads)
    return ("folded", "grouped", "plain") if fewer else ("folded", "plain")


@contextmanager
def grouped(model: Any) -> Iterator[None]:
    """Within the block query heads share key heads without a copy; afterwards the model's attention is what it was. A way of the model must allow it."""
    from transformers.masking_utils import sdpa_mask

    with _attending(model, "unicomp_grouped", _grouped, sdpa_mask):
        yield


@contextmanager
def folded(model: Any, beginning: Any, asked: tuple[Any, Any] | None = None) -> Iterator[None]:
    """Within the block every row also sees `beginning`, the cache of one row; the model is given `caches.beside(beginning)` and masks of own keys alone.

    All rows' queries are one long row for the beginning, whose keys and values are then read once and not once per row. Where nothing but the
    positions `asked` (rows and columns, two lists of equal length) is read of the model, its last layer attends from them alone.
    """

    layers = list(beginning.layers)
    last = int(model.config.get_text_config().num_hidden_layers) - 1

    def attention(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **settings: Any) -> tuple[Any, None]:
        if settings.get("position_bias") is not None:
            raise ValueError("a bias of positions, which a folded attention does not add")
        layer = layers[module.layer_idx]
        own = (query, key, value, layer.keys, layer.values, attention_mask, settings.get("scaling"))
        places = _places(asked, query) if asked is not None and module.layer_idx == last else None
        return (_folded(*own) if places is None else _folded_at(places, *own)), None

    # No mask is causal attention to own keys, and all of the beginning is always seen.
    with _attending(model, "unicomp_folded", attention, lambda *_, **__: None):
        try:
            yield
        finally:
            # transformers keeps the function.
            layers.clear()


@contextmanager
def _attending(model: Any, name: str, attention: Callable[..., Any], mask: Callable[..., Any]) -> Iterator[None]:
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(name, attention)
    AttentionMaskInterface.register(name, mask)
    config = model.config.get_text_config()
    before = config._attn_implementation
    config._attn_implementation = name
    try:
        yield
    finally:
        config._attn_implementation = before


def _grouped(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **settings: Any) -> tuple[Any, None]:
    """Do as `transformers.integrations.sdpa_attention` does; shapes (batch, heads, tokens, head size), a mask or None for causal attention."""
    from torch.nn.functional import scaled_dot_product_attention
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if attention_mask is None or settings.get("position_bias") is not None or getattr(module, "num_key_value_groups", 1) == 1:
        answer: tuple[Any, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
        return answer
    made = scaled_dot_product_attention(query, key, value, attn_mask=attention_mask, scale=settings.get("scaling"), enable_gqa=True)
    return made.transpose(1, 2).contiguous(), None


def _places(asked: tuple[Any, Any], query: Any) -> Any:
    """Return the columns that are asked of each row, shape (rows, most of a row), each row's first repeated where it has fewer; None where they are many."""
    import torch

    rows, tokens = query.shape[0], query.shape[2]
    columns: list[list[int]] = [[] for _ in range(rows)]
    for row, column in zip(*asked, strict=True):
        columns[row].append(column)
    most = max(map(len, columns))
    if not all(columns) or 2 * most > tokens:
        return None
    return torch.tensor([own + own[:1] * (most - len(own)) for own in columns], device=query.device)


def _folded_at(places: Any, query: Any, key: Any, value: Any, keys: Any, values: Any, mask: Any, scale: float | None) -> Any:
    """Return what `_folded` does at `places`, shape (rows, columns of each), and zeros elsewhere."""
    import torch

    rows, heads, tokens, _ = query.shape
    order = torch.arange(rows, device=query.device)[:, None]
    chosen = query.transpose(1, 2)[order, places].transpose(1, 2)
    if mask is None:
        unseen = torch.arange(tokens, device=query.device) > places[:, None, :, None]
        mask = torch.zeros(unseen.shape, dtype=query.dtype, device=query.device).masked_fill_(unseen, torch.finfo(query.dtype).min)
    else:
        mask = mask.expand(rows, -1, -1, -1)[order, :, places].transpose(1, 2)
    whole = query.new_zeros(rows, tokens, heads, value.shape[-1])
    whole[order, places] = _folded(chosen, key, value, keys, values, mask, scale)
    return whole


def _folded(query: Any, key: Any, value: Any, keys: Any, values: Any, mask: Any, scale: float | None) -> Any:
    """Return attention of `query` (B rows, H heads, T tokens, D) to its row's own keys and to a beginning's, of shape (B, T, H, D).

    `key` and `value` are (B, H', T, D), `keys` and `values` (1, H', S, D) with H' a divisor of H. Softmax over both is each part's own, weighted
    by its share of the sum of exponentials (Milakov and Gimelshein, Online normalizer calculation for softmax, arXiv 1805.02867), which the
    kernel returns as a logarithm.
    """
    import torch

    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    rows, heads, tokens, size = query.shape
    own, sum_own = kernel(query, key, value, 0.0, mask is None, attn_mask=mask, scale=scale)
    long = query.transpose(1, 2).reshape(1, rows * tokens, heads, size).transpose(1, 2)
    shared, sum_shared = kernel(long, keys, values, 0.0, False, scale=scale)
    own, shared = own.transpose(1, 2), shared.transpose(1, 2).reshape(rows, tokens, heads, -1)
    weight = torch.sigmoid(sum_shared.transpose(1, 2).reshape(rows, tokens, heads) - sum_own.transpose(1, 2))
    return torch.lerp(own, shared, weight[..., None].to(own.dtype))
