"""One declaration is all that an option needs: flag, key, evaluation, key of a measurement, recorded policy and repeat command follow from it."""

from dataclasses import dataclass

import pytest

from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.config import parsers, settings
from pytest_unicomp.config.config_file import read_file
from pytest_unicomp.config.evaluation import evaluation_of, key_of
from pytest_unicomp.config.option import option
from pytest_unicomp.config.repeat_flags import repeat_flags
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings, flag, options, recorded
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
        "reply_limits",
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
        "run_code",
        "template_arg",
        "think_end_token",
        "max_gen_toks",
        "sampling",
        "replies",
        "reference",
        "backend",
        "serve",
        "serve_candidate",
        "backend_candidate",
        "candidates",
    ]
