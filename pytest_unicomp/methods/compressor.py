"""Run llm-compressor modifiers over a checkpoint and save the result in the format that transformers and vLLM read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.engine.quiet_libraries import quiet_with_captured_output
from pytest_unicomp.methods.experts import join_experts
from pytest_unicomp.methods.pinning import no_pinning_without_accelerator
from pytest_unicomp.methods.source import copy_companions, load_tokenizer

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def apply(modifier: Any, model: PreTrainedModel, source: Path, *, documents: Sequence[torch.Tensor] | None = None, seed: int) -> None:
    """Change `model` in place by one run of llm-compressor's `oneshot` with `modifier`: one, or a list that shares one calibration pass.

    `documents` are token ids, one tensor (1 x length) each, passed one by one in their order, so that lengths may differ without padding
    entering the statistics; None for methods that need no data. The model stays in main memory; if there is an accelerator, llm-compressor
    moves one block at a time to the first one (CUDA_VISIBLE_DEVICES chooses which that is), so that only that block, its Hessians and the
    activations of one document lie there.
    """
    tokenizer = load_tokenizer(source)
    with quiet_with_captured_output():
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
            with no_pinning_without_accelerator():
                oneshot(model=model, processor=tokenizer, recipe=modifier, **data)
        finally:
            reset_session()


def save(model: PreTrainedModel, source: Path, destination: Path) -> None:
    """Write checkpoint, tokenizer, chat template and generation settings into `destination`; a model that stayed dense keeps its names."""
    if not any(hasattr(module, "quantization_scheme") for module in model.modules()):
        join_experts(model)
    with quiet_with_captured_output():
        model.save_pretrained(destination)
    copy_companions(source, destination)
