"""Profiles: what the built-in ones set, and those that a file defines."""

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.config_file import read_file
from pytest_unicomp.config.profiles import PROFILES, layers
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import options
from pytest_unicomp.config.toml_lines import NO_FILE


def configured(tmp_path, text, **flags):
    (tmp_path / "unicomp.toml").write_text(text)
    file, locations = read_file(tmp_path / "unicomp.toml")
    return resolve({"model": "nano", **flags}, file, locations=locations)


def test_built_in_profiles_set_only_options_that_exist_and_can_be_parsed():
    declared = {option.name: option for option in options()}
    for name, values in PROFILES.items():
        assert values.keys() <= declared.keys(), name
        for key, value in values.items():
            given = list(value) if isinstance(value, tuple) else "all" if value is None else value
            assert declared[key].parse(key, given) == value


def test_a_profile_that_extends_nothing_extends_standard():
    assert [keys for _, keys in layers("mine", {"mine": {"limit": 3}}, NO_FILE, "profile")] == [(), ("profiles", "mine")]
    (built_in, _), (own, _) = layers("mine", {"mine": {"limit": 3}}, NO_FILE, "profile")
    assert (built_in, own) == (PROFILES["standard"], {"limit": 3})


def test_the_layers_of_a_chain_run_from_the_built_in_profile_to_the_chosen_one():
    defined = {"night": {"extends": "week"}, "week": {"extends": "smoke"}}
    assert [keys for _, keys in layers("night", defined, NO_FILE, "profile")] == [(), ("profiles", "week"), ("profiles", "night")]
    assert layers("night", defined, NO_FILE, "profile")[0][0] == PROFILES["smoke"]


@pytest.mark.parametrize("value", ["smoke", 3, []])
def test_a_definition_that_is_not_a_table_is_refused(value):
    with pytest.raises(UsageProblem, match=r"profiles\.mine is .*; expected a table of options"):
        layers("standard", {"mine": value}, NO_FILE, "profile")


def test_a_near_profile_name_is_suggested():
    with pytest.raises(UsageProblem, match="'smoke'"):
        resolve({"model": "nano", "profile": "smok"}, {})


def test_neither_standard_nor_smoke_gates_a_recipe_that_prunes():
    assert resolve({"model": "nano"}, {}).recipe == ("rtn-w8a16", "gptq-w4a16")
    assert resolve({"model": "nano", "profile": "smoke"}, {}).recipe == ("rtn-w8a16", "gptq-w4a16")


def test_release_takes_every_item_and_asks_for_drift():
    settings = resolve({"model": "nano", "profile": "release"}, {})
    assert settings.limit is None
    assert settings.drift == "on"


def test_the_papers_profile_measures_its_benchmarks_on_all_items():
    settings = resolve({"model": "some/model", "profile": "paper"}, {})
    assert (settings.limit, settings.benchmark, settings.temperature) == (None, ("paper", "efficiency"), "paper")
    assert {"wanda-2of4", "gptq-w4a16"} <= set(settings.recipe)


def test_a_profile_of_the_file_changes_what_it_names_and_extends_another(tmp_path):
    text = """
limit = 40
[margins]
knowledge = 0.2
[profiles.nightly]
extends = "release"
benchmark = ["nano-safety"]
alpha = 0.01
inconclusive = "warn"
limit = 7
[profiles.nightly.margins]
knowledge = 0.1
safety = "5%"
[profiles.nightly.limits]
bytes = 0.6
"""
    settings = configured(tmp_path, text, profile="nightly")
    assert (settings.benchmark, settings.alpha, settings.inconclusive) == (("nano-safety",), 0.01, "warn")
    assert (settings.drift, settings.margin) == ("on", PROFILES["release"]["margin"])
    assert settings.limit == 40, "the file's own option wins over its profile's"
    assert settings.margins == {"knowledge": 0.2, "safety": "5%"}
    assert settings.limits == {"bytes": 0.6}
    assert configured(tmp_path, text).benchmark == ("nano-default",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('profile = "nightl"\n[profiles.nightly]\n', r"unicomp.toml:1: profile is 'nightl'; expected .*Did you mean 'nightly'"),
        ("[profiles.nightly]\nmargn = 0.1\n", r"unicomp.toml:2: profiles.nightly.margn: no option named 'margn'.*'margin'"),
        ("[profiles.nightly]\nmargin = nan\n", r"unicomp.toml:2: profiles.nightly.margin is nan"),
        ('[profiles.nightly]\nextends = "weekly"\n', r"unicomp.toml:2: profiles.nightly.extends is 'weekly'"),
        ('[profiles.nightly]\nprofile = "smoke"\n', r"unicomp.toml:2: profiles.nightly.profile: no option named"),
        ("[profiles.smoke]\nlimit = 3\n", r"unicomp.toml:1: profiles.smoke: smoke is a built-in profile"),
        ('[profiles.nightly]\nextends = "b"\n[profiles.b]\nextends = "nightly"\n', r"in a circle: nightly -> b"),
        ("profiles = 3\n", r"unicomp.toml:1: profiles is 3; expected tables by name"),
        (
            "[profiles.nightly]\nlimits = [\n'bytes <= 1 GB',\n'bytes <= nan x']\n",
            r"unicomp.toml:4: profiles.nightly.limits.1 is '<= nan x'",
        ),
        ("[profiles.nightly.limits]\nbytes = [\n'0.5x',\n'small']\n", r"unicomp.toml:4: profiles.nightly.limits.bytes.1 is 'small'"),
        ("[profiles.nightly.limits]\n\nbytes = []\n", r"unicomp.toml:3: profiles.nightly.limits.bytes is \[\]; expected"),
        (
            "[profiles.nightly.must_pass]\nnano-safety = []\n",
            r"unicomp.toml:2: profiles.nightly.must_pass.nano-safety is \[\]; expected at least one item id",
        ),
    ],
)
def test_a_profile_that_means_nothing_is_refused_with_file_and_line(tmp_path, text, words):
    with pytest.raises(UsageProblem, match=words):
        configured(tmp_path, text, **({} if text.startswith("profile =") else {"profile": "nightly"}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("margin = nan", r"unicomp.toml:2: profiles.other.margin is nan"),
        ("margn = 0.1", r"unicomp.toml:2: profiles.other.margn: no option named 'margn'"),
        ("margins = { safety = -1 }", r"unicomp.toml:2: profiles.other.margins.safety is -1"),
        ("margins = { wanda-50 = { safety = 'x' } }", r"unicomp.toml:2: profiles.other.margins.wanda-50.safety is 'x'"),
        ("limits = { bytes = 'small' }", r"unicomp.toml:2: profiles.other.limits.bytes is 'small'"),
        ("must_pass = { nano-safety = 3 }", r"unicomp.toml:2: profiles.other.must_pass.nano-safety is 3"),
        ("must_pass = 3", r"unicomp.toml:2: profiles.other.must_pass is 3; expected a table of item ids"),
        ('extends = "other"', r"unicomp.toml:1: profiles.other: profiles extend each other in a circle"),
    ],
)
def test_a_profile_that_is_not_chosen_is_read_all_the_same(tmp_path, text, words):
    with pytest.raises(UsageProblem, match=words):
        configured(tmp_path, f"[profiles.other]\n{text}\n[profiles.chosen]\n", profile="chosen")
