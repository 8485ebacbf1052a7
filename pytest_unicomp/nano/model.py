"""Builds the untrained Llama of `settings.py` and writes a trained one to a folder, all at once or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from pytest_unicomp.nano.dialogue import BEGIN, END, PADDING
from pytest_unicomp.nano.settings import MODEL, ModelSettings


def build(tokenizer: Any, settings: ModelSettings = MODEL) -> Any:
    """Return a `LlamaForCausalLM` with random weights in float32, its special tokens those of the tokenizer."""
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    begin, end, padding = (tokenizer.convert_tokens_to_ids(token) for token in (BEGIN, END, PADDING))
    config = LlamaConfig(
        vocab_size=settings.vocabulary,
        hidden_size=settings.hidden,
        intermediate_size=settings.feed_forward,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.key_value_heads,
        max_position_embeddings=settings.positions,
        tie_word_embeddings=True,
        bos_token_id=begin,
        eos_token_id=end,
        pad_token_id=padding,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(bos_token_id=begin, eos_token_id=end, pad_token_id=padding, do_sample=False)
    return model


def save(model: Any, tokenizer_folder: Path, folder: Path) -> None:
    """Write model (bfloat16) and tokenizer to a temporary sibling of `folder`, then rename it, so that a killed process leaves no partial checkpoint."""
    import torch
    from transformers import LlamaForCausalLM

    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    copy = LlamaForCausalLM(model.config)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = model.generation_config
    copy.to(torch.bfloat16).save_pretrained(partial)
    for file in tokenizer_folder.iterdir():
        if file.is_file():
            shutil.copy(file, partial)
    previous = folder.with_name(folder.name + ".previous")
    shutil.rmtree(previous, ignore_errors=True)
    if folder.exists():
        os.replace(folder, previous)
    os.replace(partial, folder)
    shutil.rmtree(previous, ignore_errors=True)
