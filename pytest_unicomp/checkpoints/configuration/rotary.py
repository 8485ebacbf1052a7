"""Compares rotary embeddings by their settings and, if these are spelled differently, by the frequencies that the model's own code computes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from pytest_unicomp.checkpoints.configuration.equality import equal

# Every spelling of the rotary settings; the configuration classes gather them in `rope_parameters`.
SPELLINGS = (
    *("rope_parameters", "rope_theta", "rope_scaling", "rope_local_base_freq", "rope_ratio", "rotary_emb_base", "rotary_pct"),
    *("partial_rotary_factor", "original_max_position_embeddings", "global_rope_theta", "local_rope_theta", "rotary_base"),
)
# Their frequencies change with the length of a text, so those of one length do not prove them equal.
BY_LENGTH = ("dynamic", "longrope")


def parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rotary settings of a resolved configuration without what changes nothing; by layer type if the model has several."""
    stated = settings.get("rope_parameters") or {}
    if any(isinstance(value, Mapping) for value in stated.values()):
        return {layer: _plain(value) if isinstance(value, Mapping) else value for layer, value in stated.items()}
    return _plain(stated)


def _plain(stated: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in stated.items() if value is not None and key != "type"}
    if found.get("partial_rotary_factor") == 1.0:
        del found["partial_rotary_factor"]
    return found


def same(mine: Any, theirs: Any, my_settings: Mapping[str, Any], their_settings: Mapping[str, Any]) -> bool:
    """Return True if two configuration objects of one class give equal rotary embeddings; the settings are the objects' dictionaries."""
    ours, others = parameters(my_settings), parameters(their_settings)
    if equal(ours, others):
        return True
    # Classes whose own code rotates all of a head ignore the share, other engines apply it.
    if _each("partial_rotary_factor", ours) != _each("partial_rotary_factor", others):
        return False
    if any(kind in BY_LENGTH for stated in (ours, others) for kind in _each("rope_type", stated)):
        return False
    computed, other = _frequencies(mine), _frequencies(theirs)
    return bool(computed) and equal(computed, other)


def _each(key: str, stated: Mapping[str, Any]) -> list[Any]:
    """Return one setting of all layer types, in the order of their names."""
    layers = [value for _, value in sorted(stated.items()) if isinstance(value, Mapping)] or [stated]
    return [layer.get(key) for layer in layers]


def _frequencies(config: Any) -> dict[str, Any]:
    """Return the buffers and the attention scaling of each rotary class in the model's code, built on the CPU; empty if none can be built."""
    import torch

    name = type(config).__module__.replace(".configuration_", ".modeling_")
    try:
        module = importlib.import_module(name)
    except ImportError:
        return {}
    found: dict[str, Any] = {}
    for label, kind in inspect.getmembers(module, inspect.isclass):
        if not (label.endswith("RotaryEmbedding") and issubclass(kind, torch.nn.Module) and kind.__module__ == name):
            continue
        try:
            built = kind(config)
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError):
            # A class for another part of the model (vision), which takes other arguments.
            continue
        found |= {f"{label}.{key}": buffer.double().tolist() for key, buffer in built.named_buffers()}
        found |= {f"{label}.{key}": value for key, value in vars(built).items() if "attention_scaling" in key}
    return found
