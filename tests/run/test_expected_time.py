"""How long a run takes, told before it starts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.expected_time import NARROW, WIDE, Duration, in_all
from pytest_unicomp.run.expected_work import parameters
from pytest_unicomp.run.forecast import forecast
from pytest_unicomp.run.pace import Pace
from pytest_unicomp.run.preflight import preflight

LLAMA = {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336}


def prepared(tmp_path, model="nano", **flags):
    return preflight(resolve({"model": model, "cache": str(tmp_path), **flags}))


def stranger(tmp_path, **flags):
    """A run of a model without stored evidence, of which the configuration alone is known."""
    found = prepared(tmp_path, "org/base", benchmark=["nano-knowledge,nano-safety"], **{"recipe": ["rtn-w8a16"], **flags})
    return replace(found, config={**LLAMA, "vocab_size": 128256})


def test_a_run_of_nano_has_one_time_in_all_from_what_was_timed(tmp_path):
    both = prepared(tmp_path)
    found = forecast(both).evaluation
    assert found.factor == 1
    assert found.seconds + 30 < in_all(both, found).seconds < found.seconds + 300
    alone = prepared(tmp_path, recipe=["rtn-w8a16"])
    assert in_all(alone, forecast(alone).evaluation).seconds < in_all(both, found).seconds - 30


def test_a_model_whose_sizes_nobody_knows_has_no_time(tmp_path):
    found = replace(stranger(tmp_path), config=None)
    assert forecast(found).evaluation is None
    assert in_all(found, None) is None


def test_any_other_model_has_an_estimate_from_its_sizes_that_grows_with_them(tmp_path):
    large = stranger(tmp_path)
    small = replace(large, config={**large.config, "num_hidden_layers": 4})
    found, less = (forecast(run).evaluation for run in (large, small))
    assert found.factor == less.factor == WIDE
    assert found.seconds > 2 * less.seconds
    assert in_all(large, found).seconds > found.seconds
    assert in_all(stranger(tmp_path, recipe=["gptq-w4a16"]), found).seconds > in_all(large, found).seconds
    assert in_all(stranger(tmp_path, recipe=["minitron-depth"]), found) is None


def test_what_was_timed_on_this_machine_replaces_the_estimate_and_scales_those_of_the_others(tmp_path):
    run = stranger(tmp_path)
    guess = forecast(run).evaluation
    Pace(run.store, "org/base", "cpu").note("nano-knowledge", 100.0, 10)
    one = forecast(run).evaluation
    assert 1 < one.factor < NARROW
    # Both were guessed to take as long for each item.
    assert one.seconds == pytest.approx(2 * 10 * (1000 + 800), rel=0.01)
    assert one.seconds != guess.seconds
    Pace(run.store, "org/base", "cpu").note("nano-safety", 8.0, 800)
    both = forecast(run).evaluation
    assert (both.factor, both.seconds) == (1.0, pytest.approx(2 * (10 * 1000 + 8)))


def test_the_rate_of_a_machine_is_measured_once(tmp_path, monkeypatch):
    run = prepared(tmp_path)
    pace = Pace(run.store, "nano", "cpu")
    found = pace.multiplications()
    assert 1e8 < found < 1e15
    monkeypatch.setattr("pytest_unicomp.run.pace._measured", lambda kind: 1 / 0)
    assert Pace(run.store, "org/other", "cpu").multiplications() == found


def test_what_scored_nothing_is_no_timing(tmp_path):
    pace = Pace(prepared(tmp_path).store, "nano", "cpu")
    pace.note("nano-knowledge", 3.0, 0)
    assert pace.timed() == {}


def test_the_parameters_that_multiply_are_those_of_the_models_own_count():
    # 8.03 billion in all, of which 0.53 billion are the table of embeddings, which multiplies nothing.
    assert parameters({**LLAMA, "vocab_size": 128256}) == pytest.approx(7.50e9, rel=0.01)
    assert parameters({"text_config": {**LLAMA, "vocab_size": 128256}}) == pytest.approx(7.50e9, rel=0.01)
    # Mixtral: 12.9 billion of 46.7 are used for a token.
    mixtral = {**LLAMA, "vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2}
    assert parameters(mixtral) == pytest.approx(12.8e9, rel=0.02)
    assert parameters({"hidden_size": 4096}) is None


def test_a_sum_is_as_uncertain_as_its_parts_weigh():
    assert Duration(100.0, 1.0) + Duration(0.0, 3.0) == Duration(100.0, 1.0)
    assert (Duration(100.0, 1.0) + Duration(100.0, 3.0)).factor == 2.0
