"""Compares two configurations setting by setting and names those that compute something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.checkpoints.configuration import rotary
from pytest_unicomp.checkpoints.configuration.equality import equal
from pytest_unicomp.checkpoints.configuration.resolve import Resolved, resolve
from pytest_unicomp.checkpoints.configuration.settings_read import settings_read

SIZES = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"),
    *("n_embd", "n_layer", "n_head", "n_inner", "ffn_dim", "word_embed_proj_dim"),
    *("num_experts", "num_local_experts", "n_routed_experts", "moe_intermediate_size", "shared_expert_intermediate_size"),
)
# What has a check of its own, describes the file, or matters in training alone.
ELSEWHERE = frozenset(
    (
        *("vocab_size", "tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id", "architectures", "model_type"),
        *("quantization_config", "sparsity_config", "text_config", "auto_map", "dtype", "torch_dtype", "transformers_version"),
        *("_name_or_path", "_commit_hash", "_attn_implementation", "attn_implementation", "id2label", "label2id", "num_labels"),
        *("problem_type", "use_cache", "initializer_range", "init_std", "pretraining_tp", "return_dict", "output_attentions"),
        *("output_hidden_states", "output_router_logits", "router_aux_loss_coef", "router_z_loss_coef", "router_jitter_noise"),
        *("initializer_factor", "use_return_dict", "gradient_checkpointing", "max_window_layers", "unsloth_version", "unsloth_fixed"),
        *("rescale_prenorm_residual", "input_jitter_noise"),
    )
)
WINDOWS = ("sliding_window", "attention_chunk_size")
WHOLE_CONTEXT = ("full_attention", "linear_attention", "mamba", "recurrent", "attention")


@dataclass(frozen=True)
class Comparison:
    """`differences` as half sentences, candidate first; how many settings were `compared`."""

    differences: tuple[str, ...]
    compared: int


def compare(mine: Mapping[str, Any], theirs: Mapping[str, Any], *, sizes: bool = True) -> Comparison:
    """Compare two parsed config.json of one model_type by what transformers computes from them; without `sizes`, leave SIZES out.

    Raises what `resolve` raises.
    """
    ours, others = resolve(mine), resolve(theirs)
    found = list(_text_differences(ours, others, sizes))
    keys = set(ours.text_settings) | set(others.text_settings)
    if ours.config is not ours.text:
        found += _outer_differences(ours, others)
        keys |= set(ours.settings) | set(others.settings)
    return Comparison(tuple(found), len(keys))


def compare_as_written(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Comparison:
    """Compare the raw keys of both files, for models that transformers has no class for."""
    common = sorted(key for key in set(mine) & set(theirs) if key not in SIZES and not _elsewhere(key))
    found = [f"{key} is {mine[key]!r}, the base has {theirs[key]!r}" for key in common if not equal(mine[key], theirs[key])]
    return Comparison(tuple(found), len(common))


def same_as_written(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Return True if both files are equal except for keys that have their own check, so that no config class need be built."""
    return all(
        equal(mine.get(key, _ABSENT), theirs.get(key, _ABSENT))
        for key in set(mine) | set(theirs)
        if key != "text_config" and not _elsewhere(key)
    )


_ABSENT = "(absent)"


def _elsewhere(key: str) -> bool:
    return key in ELSEWHERE or "dropout" in key or "pdrop" in key or "layerdrop" in key


def _text_differences(mine: Resolved, theirs: Resolved, sizes: bool) -> Iterator[str]:
    ours, others = mine.text_settings, theirs.text_settings
    rotates = "rope_parameters" in ours
    differing = [
        key
        for key in sorted(set(ours) | set(others))
        if not (_elsewhere(key) or (rotates and key in rotary.SPELLINGS) or (not sizes and key in SIZES))
        and not _alike(key, ours.get(key), others.get(key), ours, others)
    ]
    # Reading the model's code takes longer than all else here.
    read = settings_read(mine.text) if differing else None
    for key in differing:
        if read is None or key in read:
            yield f"{key} is {ours.get(key)!r}, the base has {others.get(key)!r}"
    if rotates and not rotary.same(mine.text, theirs.text, ours, others):
        yield f"rotary embeddings are {rotary.parameters(ours)}, the base has {rotary.parameters(others)}"


def _outer_differences(mine: Resolved, theirs: Resolved) -> Iterator[str]:
    for key in sorted(set(mine.settings) | set(theirs.settings)):
        one, other = mine.settings.get(key), theirs.settings.get(key)
        if not _elsewhere(key) and not equal(_without_labels(one), _without_labels(other)):
            yield f"{key} is {one!r}, the base has {other!r}"


def _without_labels(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_labels(inner) for key, inner in value.items() if not _elsewhere(key)}
    return value


def _alike(key: str, one: Any, other: Any, ours: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Return True if two values of a setting compute the same."""
    if equal(one, other):
        return True
    if key in WINDOWS:
        return bool(_window(key, ours) == _window(key, others))
    if isinstance(one, str) and isinstance(other, str):
        return _same_activation(one, other)
    if not (isinstance(one, list) and isinstance(other, list)) or _layers(ours) == _layers(others):
        return False
    # One entry per layer: a student with fewer layers has the kinds that the base has.
    per_layer = len(one) == _layers(ours) and len(other) == _layers(others)
    return per_layer and {str(entry) for entry in one} <= {str(entry) for entry in other}


def _layers(settings: Mapping[str, Any]) -> Any:
    return next((settings[key] for key in ("num_hidden_layers", "n_layer") if key in settings), None)


def _window(key: str, settings: Mapping[str, Any]) -> Any:
    """Return the window that is in use; None if no layer has one, or if it is as wide as the context."""
    width, kinds = settings.get(key), settings.get("layer_types")
    if isinstance(kinds, list) and all(kind in WHOLE_CONTEXT for kind in kinds):
        return None
    context = settings.get("max_position_embeddings")
    if isinstance(width, int) and isinstance(context, int) and width >= context:
        return None
    return width


def _same_activation(one: str, other: str) -> bool:
    """Return True if both name an activation of transformers and both functions give equal values."""
    from transformers.activations import ACT2FN

    if one not in ACT2FN or other not in ACT2FN:
        return False
    import torch

    points = torch.linspace(-8, 8, 257, dtype=torch.float64)
    return bool(torch.allclose(ACT2FN[one](points), ACT2FN[other](points), rtol=1e-6, atol=1e-6))
