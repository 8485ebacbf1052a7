"""Attention kernels for CPU: grouped-query attention without repeated key heads, and cascade attention, which reads a shared prefix once per batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

AttentionKind = Literal["cascade", "grouped_query", "transformers"]


def supported_kinds(model: Any) -> tuple[AttentionKind, ...]:
    """Return the kinds of attention that a model may be run with, the fastest first; "transformers" is the library's own.

    The other two need a model on a CPU whose attention is transformers' "sdpa"; "grouped_query" also needs fewer key heads than query heads.
    """
    config = model.config.get_text_config()
    if str(model.device) != "cpu" or getattr(config, "_attn_implementation", None) != "sdpa":
        return ("transformers",)
    heads = getattr(config, "num_attention_heads", None)
    fewer = getattr(config, "num_key_value_heads", None) not in (None, heads)
    return ("cascade", "grouped_query", "transformers") if fewer else ("cascade", "transformers")


@contextmanager
def grouped_query(model: Any) -> Iterator[None]:
    """Run the model with grouped-query attention that does not copy its key heads; the previous attention is restored afterwards.

    `supported_kinds` of the model must contain "grouped_query" or "cascade".
    """
    from transformers.masking_utils import sdpa_mask

    with _attention_replaced(model, "unicomp_grouped_query", _grouped_query_forward, sdpa_mask):
        yield


@contextmanager
def cascade(model: Any, prefix: Any, selected: tuple[Any, Any] | None = None) -> Iterator[None]:
    """Run the model with cascade attention: every row also sees `prefix`, a cache of one row, whose keys and values are read once per batch.

    The model must be called with `kv_cache.side_by_side(prefix)` as its cache and with masks over the rows' own keys alone. If only positions
    `selected` (rows, columns: two sequences of equal length) are read of the model's output, its last layer computes attention for those alone.
    Raises ValueError if the model adds a position bias to its attention scores.
    """

    layers = list(prefix.layers)
    last = int(model.config.get_text_config().num_hidden_layers) - 1

    def attention(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **settings: Any) -> tuple[Any, None]:
        if settings.get("position_bias") is not None:
            raise ValueError("a bias of positions, which cascade attention does not add")
        layer = layers[module.layer_idx]
        inputs = (query, key, value, layer.keys, layer.values, attention_mask, settings.get("scaling"))
        columns = _selected_columns(selected, query) if selected is not None and module.layer_idx == last else None
        return (_cascade(*inputs) if columns is None else _cascade_at(columns, *inputs)), None

    # Without a mask, attention to a row's own keys is causal, and the whole prefix is always visible.
    with _attention_replaced(model, "unicomp_cascade", attention, lambda *_, **__: None):
        try:
            yield
        finally:
            # transformers keeps a reference to the function, which must not keep the prefix alive.
            layers.clear()


@contextmanager
def _attention_replaced(model: Any, name: str, attention: Callable[..., Any], mask: Callable[..., Any]) -> Iterator[None]:
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


def _grouped_query_forward(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **settings: Any) -> tuple[Any, None]:
    """Compute what `transformers.integrations.sdpa_attention` does, without its copy of the key heads.

    Shapes: (B, H, T, D), with fewer heads for keys and values; `attention_mask` is additive, or None for causal attention.
    """
    from torch.nn.functional import scaled_dot_product_attention
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if attention_mask is None or settings.get("position_bias") is not None or getattr(module, "num_key_value_groups", 1) == 1:
        unchanged: tuple[Any, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
        return unchanged
    output = scaled_dot_product_attention(query, key, value, attn_mask=attention_mask, scale=settings.get("scaling"), enable_gqa=True)
    return output.transpose(1, 2).contiguous(), None


def _selected_columns(selected: tuple[Any, Any], query: Any) -> Any:
    """Return the selected columns of each row as a tensor of shape (B, largest count of a row).

    A row with fewer columns repeats its first. Returns None if a row has none, or if more than half of the T positions are selected.
    """
    import torch

    rows, tokens = query.shape[0], query.shape[2]
    columns: list[list[int]] = [[] for _ in range(rows)]
    for row, column in zip(*selected, strict=True):
        columns[row].append(column)
    most = max(map(len, columns))
    if not all(columns) or 2 * most > tokens:
        return None
    return torch.tensor([own + own[:1] * (most - len(own)) for own in columns], device=query.device)


def _cascade_at(columns: Any, query: Any, key: Any, value: Any, keys: Any, values: Any, mask: Any, scale: float | None) -> Any:
    """Run `_cascade` at the query positions `columns`, shape (B, columns per row); the output is zero at all other positions."""
    import torch

    rows, heads, tokens, _ = query.shape
    order = torch.arange(rows, device=query.device)[:, None]
    chosen = query.transpose(1, 2)[order, columns].transpose(1, 2)
    if mask is None:
        future = torch.arange(tokens, device=query.device) > columns[:, None, :, None]
        mask = torch.zeros(future.shape, dtype=query.dtype, device=query.device).masked_fill_(future, torch.finfo(query.dtype).min)
    else:
        mask = mask.expand(rows, -1, -1, -1)[order, :, columns].transpose(1, 2)
    output = query.new_zeros(rows, tokens, heads, value.shape[-1])
    output[order, columns] = _cascade(chosen, key, value, keys, values, mask, scale)
    return output


def _cascade(query: Any, key: Any, value: Any, keys: Any, values: Any, mask: Any, scale: float | None) -> Any:
    """Return attention of `query` (B, H, T, D) to the rows' own keys and to those of the prefix, shape (B, T, H, D).

    `key` and `value` are (B, H', T, D), `keys` and `values` of the prefix (1, H', S, D), with H' a divisor of H. Both parts are computed with
    their own softmax and weighted by their shares of the sum of exponentials, whose logarithm the kernel returns (Milakov and Gimelshein, Online
    normalizer calculation for softmax, arXiv 1805.02867). The queries of all rows form one long row against the prefix.
    """
    import torch

    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    rows, heads, tokens, size = query.shape
    own, own_logsumexp = kernel(query, key, value, 0.0, mask is None, attn_mask=mask, scale=scale)
    long = query.transpose(1, 2).reshape(1, rows * tokens, heads, size).transpose(1, 2)
    shared, shared_logsumexp = kernel(long, keys, values, 0.0, False, scale=scale)
    own, shared = own.transpose(1, 2), shared.transpose(1, 2).reshape(rows, tokens, heads, -1)
    weight = torch.sigmoid(shared_logsumexp.transpose(1, 2).reshape(rows, tokens, heads) - own_logsumexp.transpose(1, 2))
    return torch.lerp(own, shared, weight[..., None].to(own.dtype))
