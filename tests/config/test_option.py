"""One declaration is all that an option needs: flag, key, evaluation, key of a measurement, recorded policy and repeat command follow from it."""

import json
from dataclasses import dataclass, fields

import pytest

from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.config import parsers, settings
from pytest_unicomp.config.config_file import read_file
from pytest_unicomp.config.evaluation import evaluation_of, key_of
from pytest_unicomp.config.option import option
from pytest_unicomp.config.repeat_flags import repeat_flags
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings, flag, options, recorded, shaping
from pytest_unicomp.run.conclude import policy_record


@dataclass(frozen=True)
class WithPatience(Settings):
    """The options, and two more."""

    patience: int = option(3, parsers.whole(0), "how long a reply is waited for, in seconds", shapes="measurement")
    strictness: str = option("mild", parsers.choice("mild", "hard"), "how a verdict is made", shapes="verdict", repeat="always")


@pytest.fixture
def declared(monkeypatch):
    monkeypatch.setattr(settings, "Settings", WithPatience)


@pytest.mark.usefixtures("declared")
def test_an_added_option_has_a_flag_and_a_key(tmp_path):
    assert {flag(one.name) for one in options()} >= {"--unicomp-patience", "--unicomp-strictness"}
    assert resolve({"patience": "7"}).patience == 7
    (tmp_path / "unicomp.toml").write_text("patience = 9\n[profiles.night]\nstrictness = 'hard'\n", encoding="utf-8")
    file, locations = read_file(tmp_path / "unicomp.toml")
    found = resolve({"profile": "night"}, file, locations=locations)
    assert (found.patience, found.strictness) == (9, "hard")


@pytest.mark.usefixtures("declared")
def test_an_added_option_that_shapes_a_measurement_is_in_the_evaluation_and_changes_the_key_of_every_measurement():
    few, many = (evaluation_of(resolve({"patience": patience})) for patience in ("3", "7"))
    assert isinstance(few, Evaluation)
    assert (few.patience, many.patience) == (3, 7)
    assert key_of(few) != key_of(many)
    assert not hasattr(many, "strictness")


@pytest.mark.usefixtures("declared")
def test_an_added_option_is_recorded_in_the_policy_and_written_by_the_command_that_repeats_a_check():
    policy = policy_record(resolve({"patience": "7"}), [], [], confidence=0.9)
    assert (policy["patience"], policy["strictness"]) == (7, "mild")
    assert {"--unicomp-patience=7", "--unicomp-strictness=mild"} <= set(repeat_flags(policy))
    assert not any("patience" in word for word in repeat_flags({**policy, "patience": 3}))


@pytest.mark.usefixtures("declared")
def test_pytest_lists_an_added_option(pytester):
    assert "--unicomp-patience" in pytester.runpytest_inprocess("--help").stdout.str()


def test_an_option_that_shapes_nothing_is_neither_recorded_nor_repeated():
    policy = recorded(resolve({"report": ["r.json"], "executor": "process"}))
    assert not {"report", "executor", "cache", "update"} & set(policy)


def test_the_policy_holds_its_options_in_the_order_that_reports_have_always_had():
    assert list(recorded(Settings())) == [
        "profile",
        "limit",
        "seed",
        "sequential",
        "calibration",
        "calibration_samples",
        "calibration_tokens",
        "calibration_form",
        "calibration_target",
        "margin",
        "margins",
        "limits",
        "must_pass",
        "benchmark_margin",
        "drift_margin",
        "alpha",
        "inconclusive",
        "scoring",
        "judge",
        "similarity",
        "response_length",
        "temperature",
        "reference",
        "backend",
        "serve",
    ]


def test_the_defaults_that_the_contract_of_benchmarks_states_are_those_of_the_options():
    stated = {one.name: one.default for one in fields(Evaluation)}
    declared = {one.name: one.default for one in shaping() if one.shapes == "measurement"}
    assert set(stated) - {"only"} == set(declared)
    assert {name: stated[name] for name in ("scoring", "judge", "similarity", "response_length", "temperature", "backend", "serve")} == {
        name: declared[name] for name in ("scoring", "judge", "similarity", "response_length", "temperature", "backend", "serve")
    }


def test_everything_that_is_part_of_a_measurements_key_is_json():
    assert json.loads(json.dumps(key_of(evaluation_of(Settings(limit=None))))) == {
        "limit": None,
        "seed": 0,
        "dtype": "auto",
        "backend": "hf",
        "serve": None,
    }


def test_a_repeat_command_writes_the_policy_always_and_what_was_changed_or_a_profile_sets():
    policy = recorded(resolve({"profile": "paper", "seed": "3", "serve": "vllm serve {model}", "sequential": True}))
    assert list(repeat_flags(policy)) == [
        "--unicomp-profile=paper",
        "--unicomp-limit=all",
        "--unicomp-seed=3",
        "--unicomp-calibration=generic",
        "--unicomp-margin=0.03",
        "--unicomp-benchmark-margin=0.05",
        "--unicomp-drift-margin=0.02",
        "--unicomp-alpha=0.05",
        "--unicomp-inconclusive=fail",
        "--unicomp-reference=run",
        "--unicomp-sequential",
        "--unicomp-temperature=paper",
        "--unicomp-backend=server",
        "--unicomp-serve=vllm serve {model}",
    ]


def test_a_repeat_command_writes_every_option_if_the_profile_is_not_a_built_in_one():
    words = list(repeat_flags({**recorded(Settings()), "profile": "mine"}))
    assert "--unicomp-scoring=corrected" in words
    assert not any(word.startswith("--unicomp-calibration-samples") for word in words)
