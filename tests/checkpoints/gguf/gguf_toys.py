"""Writes small GGUF files as llama.cpp's converter does: of Llama-like checkpoint folders, with a byte-level vocabulary."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy
from gguf import GGMLQuantizationType, GGUFWriter, quants
from safetensors import safe_open

Change = Callable[[GGUFWriter], None]
NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def gguf_name(name: str) -> str:
    """Return llama.cpp's name of a Llama weight."""
    if name in NAMES:
        return NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    stem, _, kind = rest.rpartition(".")
    return f"blk.{layer}.{LAYER[stem]}.{kind}"


def permuted(weights: numpy.ndarray, heads: int) -> numpy.ndarray:
    """Order the rows of a query or key projection as llama.cpp rotates them: pairs side by side."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def tensors_of(folder: Path) -> dict[str, numpy.ndarray]:
    """Return the float32 weights of a Llama folder under llama.cpp's names, in its order of rows."""
    config = json.loads((folder / "config.json").read_text())
    found = {}
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 (not a mapping)
            weights = file.get_tensor(name).float().numpy()
            if ".q_proj." in name:
                weights = permuted(weights, config["num_attention_heads"])
            if ".k_proj." in name:
                weights = permuted(weights, config["num_key_value_heads"])
            found[gguf_name(name)] = weights
    return found


def merges_of(folder: Path) -> list[str]:
    """Return the merges of a byte-level tokenizer, best first."""
    return [" ".join(merge) for merge in json.loads((folder / "tokenizer.json").read_text())["model"]["merges"]]


def write(
    folder: Path,
    path: Path,
    kind: GGMLQuantizationType = GGMLQuantizationType.Q8_0,
    *,
    leave_out: tuple[str, ...] = (),
    beside: Mapping[str, numpy.ndarray] | None = None,
    stated: Mapping[str, Any] | None = None,
    change: Change = lambda writer: None,
) -> Path:
    """Write the Llama checkpoint in `folder` as a GGUF file with its matrices in `kind`.

    `leave_out` names tensors and metadata keys that are not written, `beside` holds further tensors, `stated` replaces metadata values.
    """
    config = json.loads((folder / "config.json").read_text())
    writer = GGUFWriter(path, "llama")
    values: dict[str, Any] = {
        "context_length": config["max_position_embeddings"],
        "embedding_length": config["hidden_size"],
        "block_count": config["num_hidden_layers"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": config["num_attention_heads"],
        "attention.head_count_kv": config["num_key_value_heads"],
        "rope.dimension_count": config["head_dim"],
        "vocab_size": config["vocab_size"],
        **{
            f"{name}": value for name, value in (stated or {}).items() if not name.startswith("tokenizer.") and not isinstance(value, float)
        },
    }
    for name, value in values.items():
        if name not in leave_out:
            (writer.add_string if isinstance(value, str) else writer.add_uint32)(f"llama.{name}", value)
    floats = {"attention.layer_norm_rms_epsilon": config["rms_norm_eps"], "rope.freq_base": config["rope_parameters"]["rope_theta"]}
    for name, number in {**floats, **{name: value for name, value in (stated or {}).items() if isinstance(value, float)}}.items():
        writer.add_float32(f"llama.{name}", number)
    _add_vocabulary(writer, folder, leave_out, stated or {})
    change(writer)
    for name, weights in {**tensors_of(folder), **(beside or {})}.items():
        if name in leave_out:
            continue
        stored = GGMLQuantizationType.F32 if weights.ndim == 1 or name in (beside or {}) else kind
        data = weights.astype(numpy.float32) if stored == GGMLQuantizationType.F32 else quants.quantize(weights, stored)
        writer.add_tensor(name, data, raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_vocabulary(writer: GGUFWriter, folder: Path, leave_out: tuple[str, ...], stated: Mapping[str, Any]) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    config = json.loads((folder / "config.json").read_text())
    vocabulary = sorted(content["model"]["vocab"], key=content["model"]["vocab"].__getitem__)
    special = {token["content"] for token in content["added_tokens"]}
    writer.add_tokenizer_model(str(stated.get("tokenizer.model", "gpt2")))
    writer.add_tokenizer_pre(str(stated.get("tokenizer.pre", "smollm")))
    writer.add_token_list(list(stated.get("tokenizer.tokens", vocabulary)))
    writer.add_token_types([3 if token in special else 1 for token in vocabulary])
    writer.add_token_merges(list(stated.get("tokenizer.merges", merges_of(folder))))
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(int(stated.get("tokenizer.eos", config["eos_token_id"])))
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(bool(stated.get("tokenizer.add_bos", False)))
    template = folder / "chat_template.jinja"
    if template.is_file() and "chat_template" not in leave_out:
        writer.add_chat_template(str(stated.get("tokenizer.template", template.read_text())))
