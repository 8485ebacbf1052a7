"""Replies are generated alike: stop tokens are a set, and what nothing uses counts for nothing."""

import json

import pytest

from pytest_unicomp.checkpoints.checks import Checkpoint
from pytest_unicomp.checkpoints.checks.generation import effective, generation_config, token_ids


def folder(path, generation=None, **config):
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    if generation is not None:
        (path / "generation_config.json").write_text(json.dumps(generation))
    return Checkpoint(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"eos_token_id": [1, 106]}, {"eos_token_id": [106, 1]}),
        ({"eos_token_id": 2}, {"eos_token_id": [2]}),
        ({"temperature": 0.6, "top_p": 0.9}, {"do_sample": False}),
        ({"do_sample": True, "temperature": 1.0, "top_k": 50}, {"do_sample": True}),
        ({"length_penalty": 2.0, "early_stopping": True}, {}),
        ({"transformers_version": "4.45.0", "use_cache": True, "cache_implementation": "hybrid"}, {"_from_model_config": True}),
    ],
)
def test_what_generates_alike_is_equal(one, other):
    assert effective(one) == effective(other)


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        ({"eos_token_id": [1, 106]}, {"eos_token_id": 1}, "eos_token_id is [1, 106], the base has 1"),
        ({"do_sample": True, "temperature": 0.6}, {"do_sample": True, "temperature": 0.7}, "temperature is 0.6, the base has 0.7"),
        ({"do_sample": True, "temperature": 0.6}, {"temperature": 0.6}, "do_sample is True, the base has None"),
        ({"repetition_penalty": 1.1}, {"eos_token_id": 2}, "repetition_penalty is 1.1, the base has None"),
        ({"num_beams": 4, "length_penalty": 2.0}, {"num_beams": 4}, "length_penalty is 2.0, the base has None"),
    ],
)
def test_what_generates_otherwise_is_named(one, other, named, tmp_path):
    found = generation_config(folder(tmp_path / "one", one), folder(tmp_path / "other", other))
    assert found.status == "fail"
    assert named in found.found


def test_a_missing_file_is_no_loss_if_config_json_states_the_same(tmp_path):
    base = folder(tmp_path / "base", {"eos_token_id": [2], "bos_token_id": 1}, eos_token_id=2, bos_token_id=1)
    assert generation_config(folder(tmp_path / "same", eos_token_id=2, bos_token_id=1), base).status == "pass"
    lost = generation_config(folder(tmp_path / "lost", eos_token_id=7, bos_token_id=1), base)
    assert lost.found.startswith("generation_config.json is missing or empty; eos_token_id is 7")


def test_ids_are_a_set_and_a_class_may_state_them(tmp_path):
    base = folder(tmp_path / "base", eos_token_id=[2, 5])
    assert token_ids(folder(tmp_path / "turned", eos_token_id=[5, 2], bos_token_id=1), base).status == "pass"
    assert token_ids(folder(tmp_path / "one", eos_token_id=[5]), base).found == "eos_token_id is 5, the base has 2 or 5"
