"""The model families whose support `unicomp methods` and docs/methods.md show: for each, the config.json facts of a well-known member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_unicomp.api.protocols import Method


def _facts(
    kind: str, name: str, hidden: int, layers: int, heads: int, keys: int | None, mlp: int, vocabulary: int, **more: Any
) -> dict[str, Any]:
    return {
        "model_type": kind,
        "architectures": [name],
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        **({} if keys is None else {"num_key_value_heads": keys}),
        "intermediate_size": mlp,
        "vocab_size": vocabulary,
        **more,
    }


# Sizes of Llama-3.1-8B, Qwen2.5-7B, Qwen3-8B, Mistral-7B, gemma-2-9b, gemma-3-1b, Phi-3-mini, opt-6.7b, pythia-6.9b and Qwen3-30B-A3B.
ARCHITECTURES: Mapping[str, Mapping[str, Any]] = {
    "Llama": _facts("llama", "LlamaForCausalLM", 4096, 32, 32, 8, 14336, 128256, hidden_act="silu"),
    "Qwen2": _facts("qwen2", "Qwen2ForCausalLM", 3584, 28, 28, 4, 18944, 152064, hidden_act="silu"),
    "Qwen3": _facts("qwen3", "Qwen3ForCausalLM", 4096, 36, 32, 8, 12288, 151936, hidden_act="silu", head_dim=128),
    "Mistral": _facts("mistral", "MistralForCausalLM", 4096, 32, 32, 8, 14336, 32768, hidden_act="silu"),
    "Gemma 2": _facts("gemma2", "Gemma2ForCausalLM", 3584, 42, 16, 8, 14336, 256000, head_dim=256, tie_word_embeddings=True),
    "Gemma 3": _facts("gemma3_text", "Gemma3ForCausalLM", 1152, 26, 4, 1, 6912, 262144, head_dim=256, tie_word_embeddings=True),
    "Phi-3": _facts("phi3", "Phi3ForCausalLM", 3072, 32, 32, 32, 8192, 32064, hidden_act="silu"),
    "OPT": _facts(
        *("opt", "OPTForCausalLM", 4096, 32, 32, None, 16384, 50272),
        ffn_dim=16384,
        word_embed_proj_dim=4096,
        do_layer_norm_before=True,
        activation_function="relu",
        tie_word_embeddings=True,
    ),
    "GPT-NeoX": _facts("gpt_neox", "GPTNeoXForCausalLM", 4096, 32, 32, None, 16384, 50432, hidden_act="gelu"),
    "Qwen3-MoE": _facts(
        *("qwen3_moe", "Qwen3MoeForCausalLM", 2048, 48, 32, 4, 6144, 151936),
        head_dim=128,
        num_experts=128,
        num_experts_per_tok=8,
        moe_intermediate_size=768,
        decoder_sparse_step=1,
        mlp_only_layers=[],
    ),
}


def support(method: Method) -> dict[str, str | None]:
    """Return for every architecture None if the method takes it, else the reason in a phrase; imports nothing heavy."""
    return {name: method.refusal(config) for name, config in ARCHITECTURES.items()}
