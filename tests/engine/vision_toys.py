"""Tiny vision-language models with random weights, of the architectures that are shipped most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.methods import tiny

TEXT: dict[str, Any] = {
    "vocab_size": 259,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 256,
    "initializer_range": 0.1,
    "tie_word_embeddings": False,
    "pad_token_id": 2,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
# Sections of the rotary dimension for time, height and width: half a head in all.
SECTIONS = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
VISION: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
# To each architecture what its two parts have beside or instead of the above.
PARTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "qwen2_5_vl": ({"rope_parameters": SECTIONS}, {"depth": 2, "num_heads": 2, "out_hidden_size": 64}),
    "qwen3_vl": ({"rope_parameters": SECTIONS}, {"depth": 2, "num_heads": 2, "out_hidden_size": 64, "deepstack_visual_indexes": [0]}),
    "mistral3": ({"model_type": "mistral"}, {"model_type": "pixtral", "num_hidden_layers": 2, "head_dim": 16}),
    "gemma3": ({"query_pre_attn_scalar": 16}, {"num_hidden_layers": 2, "image_size": 28, "patch_size": 14}),
    "internvl": ({"model_type": "qwen2"}, {"num_hidden_layers": 2, "image_size": [28, 28], "patch_size": [14, 14]}),
}


def checkpoint(folder: Path, architecture: str) -> Path:
    """Write a vision-language model with weights drawn by a fixed seed and a byte tokenizer into `folder`, and return it."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    text, vision = PARTS[architecture]
    torch.manual_seed(0)
    config = AutoConfig.for_model(architecture, text_config=TEXT | text, vision_config=VISION | vision, tie_word_embeddings=False)
    AutoModelForImageTextToText.from_config(config).save_pretrained(folder)
    tiny.save_tokenizer(folder)
    return folder
