"""Run one llm-compressor modifier over a checkpoint and save the result in the format that transformers and vLLM read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.methods.quiet import quiet
from pytest_unicomp.methods.source import copy_companions, load_tokenizer

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def compress_with(
    modifier: Any,
    model: PreTrainedModel,
    source: Path,
    destination: Path,
    *,
    documents: Sequence[torch.Tensor] | None = None,
    seed: int,
) -> None:
    """Apply `modifier` to `model` with llm-compressor's `oneshot` and write checkpoint, tokenizer and recipe.yaml into `destination`.

    `documents` are token ids, one tensor (1 x length) each, passed one by one in their order, so that lengths may differ without padding
    entering the statistics; None for methods that need no data. llm-compressor itself moves blocks to the accelerator where there is one.
    """
    tokenizer = load_tokenizer(source)
    with quiet():
        import torch
        from llmcompressor import oneshot
        from llmcompressor.core import reset_session
        from torch.utils.data import DataLoader
        from transformers import set_seed

        data: dict[str, Any] = {}
        if documents is not None:
            batches = [{"input_ids": ids, "attention_mask": torch.ones_like(ids)} for ids in documents]
            data = {"dataset": DataLoader(batches, batch_size=None)}  # type: ignore[arg-type]
        set_seed(seed)
        try:
            oneshot(model=model, processor=tokenizer, recipe=modifier, **data)
            model.save_pretrained(destination)
        finally:
            reset_session()
    copy_companions(source, destination)
