"""Options are declared once and merged from flags, file and profile."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.config_file import configuration, read_file
from pytest_unicomp.config.profiles import PROFILES
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings, flag, options


def test_a_flag_wins_over_the_file_and_the_file_over_the_profile():
    assert resolve({"model": "nano", "limit": "7"}, {"limit": 9, "profile": "smoke"}).limit == 7
    assert resolve({"model": "nano"}, {"limit": 9, "profile": "smoke"}).limit == 9
    assert resolve({"model": "nano"}, {"profile": "smoke"}).limit == PROFILES["smoke"]["limit"]
    assert resolve({"model": "nano"}, {}).limit == Settings.limit


def test_release_takes_every_item_and_asks_for_drift():
    settings = resolve({"model": "nano", "profile": "release"}, {})
    assert settings.limit is None
    assert settings.drift == "on"


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


def test_a_near_profile_name_is_suggested():
    with pytest.raises(UsageProblem, match="'smoke'"):
        resolve({"model": "nano", "profile": "smok"}, {})


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
    assert resolve({"model": "nano"}, {}).benchmark == ("nano",)
    assert "nano" not in resolve({"model": "base"}, {}).benchmark


def test_an_unknown_key_in_a_file_is_refused_with_the_nearest_name(tmp_path):
    (tmp_path / "unicomp.toml").write_text("limt = 3\n")
    with pytest.raises(UsageProblem, match=r"unicomp.toml:1: limt: no option named 'limt'. Did you mean 'limit'"):
        read_file(tmp_path / "unicomp.toml")


def test_a_broken_file_is_refused_with_its_line(tmp_path):
    (tmp_path / "unicomp.toml").write_text("limit = 3\nmargin = = 1\n")
    with pytest.raises(UsageProblem, match="line 2"):
        read_file(tmp_path / "unicomp.toml")


def test_every_option_is_read_back_under_its_own_name():
    for option in options():
        assert flag(option.name) == "--unicomp-" + option.name.replace("_", "-")
        assert option.help


def test_standard_gates_pruning_beside_quantization_and_smoke_only_what_should_pass():
    assert "wanda-50" in resolve({"model": "nano"}, {}).recipe
    assert resolve({"model": "nano", "profile": "smoke"}, {}).recipe == ("rtn-w8a16", "gptq-w4a16")


def configured(tmp_path, text, **flags):
    (tmp_path / "unicomp.toml").write_text(text)
    file, locations = read_file(tmp_path / "unicomp.toml")
    return resolve({"model": "nano", **flags}, file, locations=locations)


def test_a_wrong_value_in_a_file_is_refused_with_its_line(tmp_path):
    with pytest.raises(UsageProblem, match=r"unicomp\.toml:3: alpha is nan; expected a number above 0"):
        configured(tmp_path, "# how sure\n\nalpha = nan\n")


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
    assert configured(tmp_path, text).benchmark == ("nano",)


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


def test_the_papers_profile_measures_its_benchmarks_on_all_items():
    settings = resolve({"model": "some/model", "profile": "paper"}, {})
    assert (settings.limit, settings.benchmark, settings.temperature) == (None, ("paper", "efficiency"), "paper")
    assert {"wanda-2of4", "gptq-w4a16"} <= set(settings.recipe)


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


def test_tables_of_a_recipe_are_joined_margin_by_margin_and_must_pass_items_are_united(tmp_path):
    text = """
[profiles.a.margins.wanda-50]
reasoning = 0.01
safety = 0.02
[profiles.a.must_pass]
nano-safety = ["s-1", "s-2"]
[profiles.b]
extends = "a"
[profiles.b.must_pass]
nano-reasoning = ["r-1"]
nano-safety = ["s-3"]
[margins.wanda-50]
multilingual = 0.06
safety = 0.03
[must_pass]
nano-safety = ["s-2", "s-4"]
"""
    settings = configured(tmp_path, text, profile="b")
    assert settings.margins == {"wanda-50": {"reasoning": 0.01, "safety": 0.03, "multilingual": 0.06}}
    assert settings.must_pass == {"nano-safety": ("s-1", "s-2", "s-3", "s-4"), "nano-reasoning": ("r-1",)}


def test_what_a_profile_inherits_is_found_where_it_stands(tmp_path):
    text = """[profiles.a.margins]
safety = 0.1
knowledge = 0.1
[profiles.a]
limits = [
  "bytes <= 0.5 x reference",
  "decode-latency <= 0.8x",
  "decode-latency p95 <= 40 ms",
]
[profiles.a.margins.wanda-50]
reasoning = 0.01
[profiles.b]
extends = "a"
margins = { knowledge = 0.2 }
[margins.wanda-50]
multilingual = 0.06
"""
    settings = configured(tmp_path, text, profile="b")
    found = {
        ("margins", "safety"): "2: profiles.a.margins.safety",
        ("margins", "knowledge"): "14: profiles.b.margins.knowledge",
        ("margins", "wanda-50", "reasoning"): "11: profiles.a.margins.wanda-50.reasoning",
        ("margins", "wanda-50", "multilingual"): "16: margins.wanda-50.multilingual",
        ("limits", "bytes"): "6: profiles.a.limits.0",
        ("limits", "decode-latency", 0): "7: profiles.a.limits.1",
        ("limits", "decode-latency", 1): "8: profiles.a.limits.2",
    }
    assert {keys: settings.location(*keys) for keys in found} == {
        keys: f"{tmp_path / 'unicomp.toml'}:{rest}" for keys, rest in found.items()
    }


@pytest.mark.parametrize(
    "text",
    [
        "[tool.unicomp]\nmargin = 0.02\n",
        "[tool]\nunicomp.margin = 0.02\n",
        "[ tool . unicomp ]\nmargin = 0.02\n",
        "tool.unicomp = { margin = 0.02 }\n",
        '["tool"."unicomp"]\nmargin = 0.02\n',
    ],
)
def test_settings_in_a_pyproject_are_found_however_they_are_written(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(f"# what unicomp is told\n{text}")
    file, locations = configuration(None, [tmp_path])
    assert file == {"margin": 0.02}
    assert locations.line("margin") == (2 if "{" in text else 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# [tool.unicomp]\ntool = 3\n", r"pyproject.toml:2: tool is 3; expected a table"),
        ("[tool]\nunicomp = 3\n", r"pyproject.toml:2: tool.unicomp is 3; expected a table"),
        ("[[tool.unicomp]]\nmargin = 0.02\n", r"pyproject.toml:1: tool.unicomp is \[.*; expected a table"),
        ("[tool.unicomp\nmargin = 0.02\n", r"pyproject.toml cannot be read as TOML"),
    ],
)
def test_a_pyproject_with_something_else_in_our_place_is_refused_in_one_line(tmp_path, text, words):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageProblem, match=words) as caught:
        configuration(None, [tmp_path])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[tool.other]\nx = '[tool.unicomp]'\n", "# [tool.unicomp]\n", "broken = = 1\n"])
def test_a_pyproject_without_settings_of_ours_is_passed_over(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    assert configuration(None, [tmp_path])[0] == {}
