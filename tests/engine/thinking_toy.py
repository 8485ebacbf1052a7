"""A checkpoint that thinks if its template is told to: every token has one successor, so that its replies are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.methods.tiny import save_tokenizer

TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if enable_thinking %}!{% else %}?{% endif %}"
THINKS = {"!": "<think>", "<think>": "x", "x": "y", "y": "</think>", "</think>": "4", "4": "</s>", "?": "5", "5": "</s>"}
# The thought never ends: x, y, x, y, ...
LOOPS = {**THINKS, "y": "x"}
SAMPLING = {"do_sample": True, "temperature": 0.6, "top_p": 0.95, "top_k": 20}


def checkpoint(
    folder: Path,
    successors: Mapping[str, str] = THINKS,
    *,
    template: str = TEMPLATE,
    generation: Mapping[str, object] = SAMPLING,
    certainty: float = 50.0,
) -> Path:
    """Write a Llama whose layer adds nothing, so that a token alone decides the next: its successor, by `certainty` (the difference of their logits)."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(folder, template)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<think>", "</think>"])
    tokenizer.save_pretrained(folder)
    size = len(tokenizer)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=320,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.model.norm.weight.fill_(1.0)
        model.model.layers[0].input_layernorm.weight.fill_(1.0)
        model.model.layers[0].post_attention_layernorm.weight.fill_(1.0)
        for token in range(size):
            model.model.embed_tokens.weight[token, token] = 1.0
        for first, second in successors.items():
            old, new = (int(tokenizer.convert_tokens_to_ids(one)) for one in (first, second))
            # The norm makes the one entry of a token's vector the root of the vector's size.
            model.lm_head.weight[new, old] = certainty / 320**0.5
    model.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 2, "bos_token_id": 1, **generation}), encoding="utf-8")
    return folder
