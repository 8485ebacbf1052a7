"""The evaluation that benchmarks receive, and its part of a measurement's key."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.config.evaluation import evaluation_of, key_of
from pytest_unicomp.config.settings import Settings, shaping


def test_the_defaults_that_the_contract_of_benchmarks_states_are_those_of_the_options():
    stated = {one.name: one.default for one in fields(Evaluation)}
    declared = {one.name: one.default for one in shaping() if one.shapes == "measurement"}
    assert set(stated) - {"only"} == set(declared)
    assert {
        name: stated[name] for name in ("scoring", "judge", "similarity", "response_length", "temperature", "run_code", "backend", "serve")
    } == {
        name: declared[name]
        for name in ("scoring", "judge", "similarity", "response_length", "temperature", "run_code", "backend", "serve")
    }


def test_everything_that_is_part_of_a_measurements_key_is_json():
    assert json.loads(json.dumps(key_of(evaluation_of(Settings(limit=None))))) == {
        "limit": None,
        "seed": 0,
        "dtype": "auto",
        "backend": "hf",
        "serve": None,
        "template_arg": [],
        "think_end_token": None,
        "max_gen_toks": [],
        "sampling": "benchmark",
        "replies": 1,
    }


def test_an_evaluation_holds_the_values_of_the_settings():
    settings = Settings(
        limit=7, seed=3, bundle=Path("b"), device="cpu", dtype="float32", scoring="paper", judge="server:x", backend="server"
    )
    found = evaluation_of(settings)
    assert type(found) is Evaluation
    assert (found.limit, found.seed, found.bundle, found.device, found.dtype) == (7, 3, Path("b"), "cpu", "float32")
    assert (found.scoring, found.judge, found.backend, found.only) == ("paper", "server:x", "server", None)


@pytest.mark.parametrize("change", [{"limit": 8}, {"seed": 1}, {"dtype": "float16"}, {"backend": "server"}, {"serve": "vllm"}])
def test_what_changes_every_measurement_changes_the_key(change):
    before = evaluation_of(Settings())
    assert key_of(replace(before, **change)) != key_of(before)


@pytest.mark.parametrize("change", [{"judge": "server:x"}, {"response_length": 9}, {"device": "cuda:0"}, {"bundle": Path("b")}])
def test_what_only_some_benchmarks_read_leaves_the_key_to_their_identity(change):
    before = evaluation_of(Settings())
    assert key_of(replace(before, **change)) == key_of(before)
