"""Is it still the base's architecture: same kind, same computation, no size larger?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged

SIZES = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"),
    *("n_embd", "n_layer", "n_head", "n_inner", "ffn_dim", "word_embed_proj_dim"),
    *("num_experts", "num_local_experts", "n_routed_experts", "moe_intermediate_size", "shared_expert_intermediate_size"),
)
# What follows from sizes, what has its own check, and what changes nothing that is computed in evaluation.
ELSEWHERE = (
    *("vocab_size", "layer_types", "max_window_layers", "tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id"),
    *("dtype", "torch_dtype", "transformers_version", "_name_or_path", "architectures", "model_type", "quantization_config", "text_config"),
    *(
        "use_cache",
        "initializer_range",
        "init_std",
        "pretraining_tp",
        "_attn_implementation",
        "attn_implementation",
        "return_dict",
        "auto_map",
    ),
    *(
        "rope_parameters",
        "rope_theta",
        "rope_scaling",
        "output_attentions",
        "output_hidden_states",
        "output_router_logits",
        "sparsity_config",
    ),
)


def architecture(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Same model type and class; smaller sizes are a distilled student's right, larger ones are not."""
    mine, theirs = candidate.text_config, base.text_config
    problems = [
        f"{key} is {candidate.config.get(key)}, the base has {base.config.get(key)}"
        for key in ("model_type", "architectures")
        if candidate.config.get(key) != base.config.get(key)
    ]
    smaller = []
    for key in SIZES:
        ours, others = mine.get(key), theirs.get(key)
        if isinstance(ours, int) and isinstance(others, int) and ours != others:
            told = f"{key} {ours} of {others}"
            problems += [f"{told}: larger than the base"] if ours > others else []
            smaller.append(told)
    student = f"a smaller student, {', '.join(smaller)}" if smaller else "sizes equal"
    return judged(problems, f"{candidate.config.get('model_type')}, {student}")


def computation(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Rotary embeddings, norms, activation, windows and whatever else both configurations state are the same."""
    mine, theirs = candidate.text_config, base.text_config
    common = sorted(
        key for key in set(mine) & set(theirs) if key not in (*SIZES, *ELSEWHERE) and "dropout" not in key and "pdrop" not in key
    )
    problems = [f"{key} is {mine[key]!r}, the base has {theirs[key]!r}" for key in common if mine[key] != theirs[key]]
    if _rotary(mine) != _rotary(theirs):
        problems.append(f"rotary embeddings are {_rotary(mine)}, the base has {_rotary(theirs)}")
    return judged(problems, f"{len(common)} settings and the rotary embeddings equal")


def _rotary(config: Mapping[str, Any]) -> dict[str, Any]:
    """Both ways of writing it: `rope_parameters` of transformers 5, `rope_theta` with `rope_scaling` before."""
    stated = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    kind = stated.pop("type", None)
    stated.setdefault("rope_type", kind or "default")
    if not any(isinstance(value, dict) for value in stated.values()):
        stated.setdefault("rope_theta", config.get("rope_theta", 10000.0))
    return stated


CHECKS = {
    "architecture": ArtifactCheck(
        "model_type and architectures as the base's, no size larger", "compare with the model that it was made from", architecture
    ),
    "computation": ArtifactCheck(
        "every setting that both configurations state, equal",
        "write config.json from the base's, adding quantization_config alone",
        computation,
    ),
}
