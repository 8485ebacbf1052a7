"""Flags win over the file, and the file over the profile."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.config_file import read_file
from pytest_unicomp.config.profiles import PROFILES
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings, flag


def configured(tmp_path, text, **flags):
    (tmp_path / "unicomp.toml").write_text(text)
    file, locations = read_file(tmp_path / "unicomp.toml")
    return resolve({"model": "nano", **flags}, file, locations=locations)


def test_a_serve_command_implies_the_server_backend_unless_one_is_named():
    assert resolve({"serve": "vllm serve {model}"}).backend == "server"
    assert resolve({"serve": "vllm serve {model}", "backend": "hf"}).backend == "hf"


def test_naming_baselines_or_an_update_turns_drift_on_unless_it_is_named():
    assert resolve({}).drift == "auto"
    assert resolve({"baselines": "kept"}).drift == "on"
    assert resolve({"update": "missing"}).drift == "on"
    assert resolve({"update": "missing", "drift": "off"}).drift == "off"


def test_a_flag_that_was_not_given_leaves_the_choice_to_the_file():
    assert resolve({"recipe": [], "limit": None}, {"recipe": "dense", "limit": 3}).recipe == ("dense",)
    assert resolve({"recipe": [], "limit": None}, {"recipe": "dense", "limit": 3}).limit == 3


def test_a_flag_wins_over_the_file_and_the_file_over_the_profile():
    assert resolve({"model": "nano", "limit": "7"}, {"limit": 9, "profile": "smoke"}).limit == 7
    assert resolve({"model": "nano"}, {"limit": 9, "profile": "smoke"}).limit == 9
    assert resolve({"model": "nano"}, {"profile": "smoke"}).limit == PROFILES["smoke"]["limit"]
    assert resolve({"model": "nano"}, {}).limit == Settings.limit


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "-1"),
        ("limit", "0"),
        ("limit", "many"),
        ("seed", "-1"),
        ("seed", "1.5"),
        ("margin", "nan"),
        ("margin", "-0.1"),
        ("margin", "1"),
        ("margin", "inf"),
        ("alpha", "0.5"),
        ("profile", "smok"),
        ("device", "gpu"),
        ("device", "cpu:1"),
        ("update", "some"),
        ("reference", "baseline"),
        ("recipe", 5),
        ("limit", True),
        ("margin", True),
    ],
)
def test_a_bad_value_is_refused_with_its_flag_and_what_was_found(name, value):
    with pytest.raises(UsageProblem) as caught:
        resolve({"model": "nano", name: value}, {})
    assert flag(name) in str(caught.value)
    assert repr(value) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_only_margins_between_zero_and_one_are_taken(margin):
    if 0 < margin < 1:
        assert resolve({"model": "nano", "margin": margin}, {}).margin == margin
    else:
        with pytest.raises(UsageProblem):
            resolve({"model": "nano", "margin": margin}, {})
    assert math.isfinite(Settings.margin)


def test_lists_come_from_commas_and_from_repetition_without_doubles():
    settings = resolve({"model": "nano", "recipe": ["rtn-w8a16, gptq-w4a16", "rtn-w8a16"]}, {})
    assert settings.recipe == ("rtn-w8a16", "gptq-w4a16")


def test_a_candidate_alone_is_judged_without_the_profiles_recipes():
    assert resolve({"model": "nano", "candidate": ["out"]}, {}).recipe == ()
    assert resolve({"model": "nano", "candidate": ["out"], "recipe": ["wanda-50"]}, {}).recipe == ("wanda-50",)


def test_the_nano_set_is_the_default_for_the_embedded_model_only():
    assert resolve({"model": "nano"}, {}).benchmark == ("nano-default",)
    assert "nano" not in resolve({"model": "base"}, {}).benchmark


def test_a_wrong_value_in_a_file_is_refused_with_its_line(tmp_path):
    with pytest.raises(UsageProblem, match=r"unicomp\.toml:3: alpha is nan; expected a number above 0"):
        configured(tmp_path, "# how sure\n\nalpha = nan\n")
