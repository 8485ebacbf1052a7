"""The norm or Linear layer that feeds each Linear layer in the blocks of an architecture: the places through which scales can move."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_unicomp.methods.decoder import block_list
from pytest_unicomp.methods.support import has_experts

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Feeds = tuple[tuple[str, tuple[str, ...]], ...]

ATTENTION = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
MLP = ("mlp.gate_proj", "mlp.up_proj")
LLAMA: Feeds = (("input_layernorm", ATTENTION), ("post_attention_layernorm", MLP))
# Gemma's second generation has a norm behind attention too, which feeds the residual stream: the MLP reads pre_feedforward_layernorm.
GEMMA: Feeds = (("input_layernorm", ATTENTION), ("pre_feedforward_layernorm", MLP))
NORMS: Mapping[str, Feeds] = {
    "gemma2": GEMMA,
    "gemma3_text": GEMMA,
    "gpt_neox": (
        ("input_layernorm", ("attention.query_key_value",)),
        ("post_attention_layernorm", ("mlp.dense_h_to_4h",)),
    ),
    "llama": LLAMA,
    "mistral": LLAMA,
    "opt": (("self_attn_layer_norm", ATTENTION), ("final_layer_norm", ("fc1",))),
    "phi3": (("input_layernorm", ("self_attn.qkv_proj",)), ("post_attention_layernorm", ("mlp.gate_up_proj",))),
    "qwen2": LLAMA,
    "qwen3": LLAMA,
}
VALUES: Feeds = (("self_attn.v_proj", ("self_attn.o_proj",)), ("mlp.up_proj", ("mlp.down_proj",)))
# GPT-NeoX interleaves the values of its heads with queries and keys, and has a GELU ahead of its last layer: neither can be scaled.
LINEAR: Mapping[str, Feeds] = {
    "gpt_neox": (),
    "opt": (("self_attn.v_proj", ("self_attn.out_proj",)), ("fc1", ("fc2",))),
    "phi3": (("self_attn.qkv_proj", ("self_attn.o_proj",)), ("mlp.gate_up_proj", ("mlp.down_proj",))),
}


# The norm ahead of the experts feeds their router too: scales stay out of it, as llm-compressor leaves it in Mixtral and Qwen-MoE.
EXPERTS: Feeds = (
    ("input_layernorm", ATTENTION),
    ("self_attn.v_proj", ("self_attn.o_proj",)),
    ("mlp.experts.N.up_proj", ("mlp.experts.N.down_proj",)),
)


def unknown_norms(config: Mapping[str, Any]) -> str | None:
    """Return why scales cannot be moved through the norms of a model with this config.json, or None."""
    kind = config.get("model_type")
    if kind not in NORMS:
        return f"which norm feeds which layer is known only for {', '.join(sorted(NORMS))}"
    if kind == "opt" and not config.get("do_layer_norm_before", True):
        return "its norms stand behind attention and MLP (do_layer_norm_before is false) and feed the residual stream too"
    return None


def norm_mappings(model: PreTrainedModel) -> list[tuple[str, list[str]]]:
    """Return (pattern of a norm, patterns of the Linear layers, the only ones that read it) in llm-compressor's form "re:..."."""
    return _patterns(model, NORMS[model.config.model_type])


def awq_mappings(model: PreTrainedModel) -> list[tuple[str, list[str]]]:
    """Return AWQ's mappings (smooth layer, balance layers): norms as above, and Linear layers whose outputs reach the next one channel by channel.

    With grouped queries values do not line up with the inputs of the output projection; llm-compressor passes over such a pair itself.
    Gemma 3 leaves out its first norm, as llm-compressor does: its norms of queries and keys make scaling there harmful.
    """
    config: Any = model.config
    if has_experts(config.to_dict()):
        return _patterns(model, EXPERTS)
    norms, linear = NORMS[config.model_type], LINEAR.get(config.model_type, VALUES)
    if config.model_type == "gemma3_text":
        norms = norms[1:]
    if config.model_type == "opt" and config.activation_function != "relu":
        linear = linear[:1]
    return _patterns(model, (*norms, *linear))


def _patterns(model: PreTrainedModel, feeds: Feeds) -> list[tuple[str, list[str]]]:
    prefix = re.escape(block_list(model)[0])
    return [(_pattern(prefix, first), [_pattern(prefix, name) for name in others]) for first, others in feeds]


def _pattern(prefix: str, name: str) -> str:
    inside = re.escape(name).replace(r"\.N\.", r"\.\d+\.")
    return rf"re:^{prefix}\.\d+\.{inside}$"
