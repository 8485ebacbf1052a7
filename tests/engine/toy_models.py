"""Tiny random models of several architectures with a tokenizer that merges some pairs of letters, so that texts meet in the middle of a token."""

from __future__ import annotations

from functools import cache
from typing import Any

ARCHITECTURES = ("llama", "qwen2", "gemma", "gemma2", "opt", "gpt_neox", "qwen3_moe")
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "ffn_dim": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 280,
    "max_position_embeddings": 256,
    "word_embed_proj_dim": 32,
    "num_experts": 4,
    "moe_intermediate_size": 16,
    "num_experts_per_tok": 2,
    "sliding_window": 16,
}
MERGES = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("o", "n"), ("Ġ", "a"), ("e", "r"), ("\u010a", "\u010a")]


@cache
def tokenizer() -> Any:
    """A byte-level BPE tokenizer of 266 entries."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    entries = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(pair) for pair in MERGES)]
    raw = Tokenizer(models.BPE({entry: number for number, entry in enumerate(entries)}, MERGES))
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    raw.add_special_tokens(["<eos>", "<bos>", "<pad>"])
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<eos>", bos_token="<bos>", pad_token="<pad>")


@cache
def model(architecture: str, **changes: Any) -> Any:
    """A model of two layers whose weights are large enough for prompts to differ in what follows them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    special = {name: tokenizer().convert_tokens_to_ids(f"<{name[:3]}>") for name in ("eos_token_id", "bos_token_id", "pad_token_id")}
    known = AutoConfig.for_model(architecture).to_dict()
    sizes = {name: value for name, value in {**SIZES, **special}.items() if name in known}
    made = AutoModelForCausalLM.from_config(AutoConfig.for_model(architecture, **{**sizes, **changes})).float().eval()
    for parameter in made.parameters():
        parameter.data.mul_(3)
    return made
