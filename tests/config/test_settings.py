"""The declarations of all options, and the file and line of an entry."""

from pytest_unicomp.config.config_file import read_file
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings, destination, flag, options, shaping


def configured(tmp_path, text, **flags):
    (tmp_path / "unicomp.toml").write_text(text)
    file, locations = read_file(tmp_path / "unicomp.toml")
    return resolve({"model": "nano", **flags}, file, locations=locations)


def test_the_default_of_an_option_is_one_that_its_parser_accepts():
    for option in options():
        if option.default is not None:
            given = list(option.default) if isinstance(option.default, tuple) else option.default
            assert option.parse(option.name, given) == option.default, option.name


def test_only_tables_and_file_only_fields_have_no_flag():
    flagged = {option.name for option in options()}
    assert not {"recipes", "margins", "limits", "must_pass", "waivers", "locations"} & flagged
    assert {"margins", "limits", "must_pass"} <= {option.name for option in shaping()}


def test_pytest_keeps_a_flag_under_a_prefixed_name():
    assert {destination(option.name) for option in options()} == {"unicomp_" + option.name for option in options()}


def test_without_a_model_the_plugin_is_inert():
    assert Settings().model is None


def test_every_option_is_read_back_under_its_own_name():
    for option in options():
        assert flag(option.name) == "--unicomp-" + option.name.replace("_", "-")
        assert option.help


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
