"""The policy tables of a file: read with file and line, merged with those of a profile."""

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config import policy_tables
from pytest_unicomp.config.config_file import read_file
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.toml_lines import NO_FILE


def configured(tmp_path, text, **flags):
    (tmp_path / "unicomp.toml").write_text(text)
    file, locations = read_file(tmp_path / "unicomp.toml")
    return resolve({"model": "nano", **flags}, file, locations=locations)


def test_limits_written_as_sentences_are_read_like_a_table():
    sentences = ["bytes <= 0.5 x reference", "decode-latency <= 0.8x", "decode-latency p95 <= 40 ms"]
    assert policy_tables.read({"limits": sentences}, NO_FILE) == {
        "limits": {"bytes": ["<= 0.5 x reference"], "decode-latency": ["<= 0.8x", "p95 <= 40 ms"]}
    }


def test_a_table_that_is_absent_stays_absent_and_other_keys_are_left_alone():
    assert policy_tables.read({"margin": 0.1}, NO_FILE) == {}


def test_a_single_must_pass_item_may_be_written_without_a_list():
    assert policy_tables.read({"must_pass": {"nano-safety": "s-1"}}, NO_FILE) == {"must_pass": {"nano-safety": ("s-1",)}}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"margins": 0.1}, r"^unicomp: margins is 0.1; expected a table of margins"),
        ({"limits": 3}, r"limits is 3; expected a table of largest costs"),
        ({"limits": ["bytes"]}, r"limits.0 holds 'bytes'; expected sentences"),
        ({"margins": {"rtn": {"safety": "x"}}}, r"margins.rtn.safety is 'x'"),
        ({"must_pass": {"nano-safety": []}}, r"must_pass.nano-safety is \[\]; expected at least one item id"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_its_key(data, words):
    with pytest.raises(UsageProblem, match=words):
        policy_tables.read(data, NO_FILE)


def test_merging_lets_the_second_win_but_keeps_what_it_does_not_name():
    first = {"margins": {"safety": 0.1, "rtn": {"acc": 0.1}}, "limits": {"bytes": "0.5x"}}
    second = {"margins": {"rtn": {"f1": 0.2}}, "limits": {"bytes": "0.4x"}}
    assert policy_tables.merged(first, second) == {
        "margins": {"safety": 0.1, "rtn": {"acc": 0.1, "f1": 0.2}},
        "limits": {"bytes": "0.4x"},
    }
    assert policy_tables.merged({}, {}) == {}


def test_margins_of_a_recipe_are_merged_one_by_one_and_must_pass_items_are_united(tmp_path):
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
