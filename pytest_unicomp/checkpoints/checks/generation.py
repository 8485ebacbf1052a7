"""The checks `token-ids` and `generation-config` of `unicomp check-artifact`: do replies begin, stop and get drawn as the base's do?"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable
from pytest_unicomp.checkpoints.configuration import Unresolved, resolve
from pytest_unicomp.checkpoints.configuration.equality import equal

IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
# What replies do not depend on: notes, how a cache is kept, and what is returned beside the tokens.
BOOKKEEPING = (
    *("transformers_version", "_from_model_config", "use_cache", "cache_implementation", "cache_config", "return_legacy_cache"),
    *("output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate", "disable_compile"),
)
# Values that `generate` takes for what is not stated (transformers, generation/configuration_utils.py, _get_default_generation_params).
DEFAULTS: Mapping[str, Any] = {
    **{"max_length": 20, "min_length": 0, "do_sample": False, "early_stopping": False, "num_beams": 1, "num_beam_groups": 1},
    **{"temperature": 1.0, "top_k": 50, "top_p": 1.0, "typical_p": 1.0, "epsilon_cutoff": 0.0, "eta_cutoff": 0.0, "diversity_penalty": 0.0},
    **{"repetition_penalty": 1.0, "length_penalty": 1.0, "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0},
    **{"encoder_repetition_penalty": 1.0, "num_return_sequences": 1, "remove_invalid_values": False, "renormalize_logits": False},
}
WHEN_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff")
WITH_BEAMS = ("early_stopping", "length_penalty", "num_beam_groups", "diversity_penalty", "constraints", "force_words_ids")


def token_ids(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Require the base's bos, eos and pad ids in config.json, or in what its class fills in; several eos ids are a set."""
    mine, theirs = _ids(candidate.text_config), _ids(base.text_config)
    if mine != theirs:
        with suppress(Unresolved):
            mine, theirs = _ids(resolve(candidate.config).text_settings), _ids(resolve(base.config).text_settings)
    problems = [f"{name} is {_shown(mine[name])}, the base has {_shown(theirs[name])}" for name in IDS if mine[name] != theirs[name]]
    return judged(problems, ", ".join(f"{name} {_shown(mine[name])}" for name in IDS))


def _ids(config: Mapping[str, Any]) -> dict[str, frozenset[Any]]:
    return {name: _several(config.get(name)) for name in IDS}


def _several(value: Any) -> frozenset[Any]:
    return frozenset(value if isinstance(value, list) else () if value is None else (value,))


def _shown(values: frozenset[Any]) -> str:
    return " or ".join(str(value) for value in sorted(values, key=str)) or "None"


def generation_config(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Require that replies are generated alike: settings that are defaults, or that nothing uses, count for nothing."""
    mine, theirs = candidate.json("generation_config.json"), base.json("generation_config.json")
    if not theirs and (not mine or mine.get("_from_model_config", False)):
        return not_applicable("the base has no generation_config.json")
    ours = effective(mine or candidate.text_config, whole=bool(mine))
    others = effective(theirs or base.text_config, whole=bool(theirs))
    problems = [
        f"{key} is {_plain(ours.get(key))!r}, the base has {_plain(others.get(key))!r}"
        for key in sorted({*ours, *others})
        if not equal(ours.get(key), others.get(key))
    ]
    if problems and not mine:
        problems.insert(0, "generation_config.json is missing or empty")
    return judged(problems, f"{len(ours)} settings in use equal")


def effective(stated: Mapping[str, Any], *, whole: bool = True) -> dict[str, Any]:
    """Return the settings that replies depend on, stop tokens as a sorted list; without `whole`, of a config.json, which states others too."""
    found = {
        key: value
        for key, value in stated.items()
        if value is not None and key not in BOOKKEEPING and (whole or key in (*IDS, "decoder_start_token_id"))
    }
    unused = (() if found.get("do_sample") else WHEN_SAMPLING) + (() if found.get("num_beams", 1) > 1 else WITH_BEAMS)
    found = {key: value for key, value in found.items() if key not in unused and not (key in DEFAULTS and equal(value, DEFAULTS[key]))}
    return {key: sorted(_several(value), key=str) if key == "eos_token_id" else value for key, value in found.items()}


def _plain(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


CHECKS = {
    "token-ids": ArtifactCheck(
        "bos_token_id, eos_token_id and pad_token_id of config.json as the base's", "set them in config.json", token_ids
    ),
    "generation-config": ArtifactCheck(
        "a generation_config.json that generates as the base's", "copy the base's file into the folder", generation_config
    ),
}
