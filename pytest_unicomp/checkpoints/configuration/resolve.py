"""Reads a config.json through transformers' own configuration class, which fills in defaults and takes old and new spellings alike.

Only classes of the installed transformers are used: no code of a checkpoint runs, and nothing is fetched.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.api.errors import one_line

# The class of a model makes lists with an entry per layer, so a wrong count would take all memory.
MOST_LAYERS = 4096
LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers", "num_decoder_layers", "decoder_layers")


class Unresolved(Exception):
    """transformers has no class for the configuration, or its class refuses it; the text is the reason."""


@dataclass(frozen=True)
class Resolved:
    """A configuration as transformers understands it: the object, that of its language model (itself, unless it is multimodal), and both as
    plain dictionaries with every default filled in."""

    config: Any
    text: Any
    settings: Mapping[str, Any]
    text_settings: Mapping[str, Any]


def known(raw: Mapping[str, Any]) -> bool:
    """Return True if the installed transformers has a configuration class for the model_type."""
    from transformers import CONFIG_MAPPING

    return raw.get("model_type") in CONFIG_MAPPING


def resolve(raw: Mapping[str, Any]) -> Resolved:
    """Return transformers' configuration of a parsed config.json, without its quantization_config.

    Raises Unresolved if transformers has no class for its model_type (a model that needs code of its own), if that class refuses it, or if it
    states more than MOST_LAYERS layers.
    """
    from transformers import CONFIG_MAPPING

    kind = raw.get("model_type")
    if not known(raw):
        raise Unresolved(f"the installed transformers has no model_type {kind!r}")
    _require_bounded(raw)
    # The classes change nested dictionaries in place.
    stated = _decoded({key: copy.deepcopy(value) for key, value in raw.items() if key != "quantization_config"})
    quiet = logging.getLogger("transformers")
    before = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        config = CONFIG_MAPPING[kind].from_dict(stated)
        text = config.get_text_config(decoder=True)
        return Resolved(config, text, config.to_dict(), text.to_dict())
    except Exception as error:
        # What a class raises for values that it does not take is not documented: ValueError, KeyError, TypeError and its own kinds.
        raise Unresolved(f"transformers refuses it as {kind}: {one_line(error, longest=300) or type(error).__name__}") from error
    finally:
        quiet.setLevel(before)


def _require_bounded(raw: Mapping[str, Any]) -> None:
    for key, value in raw.items():
        if isinstance(value, Mapping):
            _require_bounded(value)
        elif isinstance(value, int) and key in LAYERS and value > MOST_LAYERS:
            raise Unresolved(f"{key} is {value}, more than {MOST_LAYERS}")


def _decoded(value: Any) -> Any:
    """Return the value with transformers' spelling of what JSON cannot hold ({"__float__": "Infinity"}) turned into floats."""
    if isinstance(value, Mapping):
        if set(value) == {"__float__"} and value["__float__"] in ("Infinity", "-Infinity", "NaN"):
            return float(value["__float__"])
        return {key: _decoded(inner) for key, inner in value.items()}
    return [_decoded(inner) for inner in value] if isinstance(value, list) else value
