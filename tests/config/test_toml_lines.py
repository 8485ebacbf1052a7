"""The line of a key in a TOML file, however it is written."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.config.toml_lines import TomlLocations

TEXT = '''# comment with key = 1 and [brackets]
limit = 3
"quoted key" = "a = b # no comment"
text = """
limit = 9
[not.a.table]
"""
list = [
  "a", # margins = 2
  { inner = 1, deep = 2 },
  "x",
  '],',
]
a.b.c = { x = 1, "y z" = [1, 2] }

[margins]
reasoning = "5%"
[margins."wanda-50"] # ]
safety = nan
[[waivers]]
recipe = "one"
[[waivers]]
recipe = "two"
when = 2026-12-31 10:00:00
[waivers.more]
note = """say "hi"""""
last = 1
'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("limit",), 2),
        (("quoted key",), 3),
        (("text",), 4),
        (("list", 1, "inner"), 10),
        (("list", 3), 12),
        (("a", "b", "c", "y z"), 14),
        (("margins", "reasoning"), 17),
        (("margins", "wanda-50", "safety"), 19),
        (("waivers", 0, "recipe"), 21),
        (("waivers", 1, "recipe"), 23),
        (("waivers", 1, "more", "note"), 26),
        (("waivers", 1, "more", "last"), 27),
    ],
)
def test_a_key_is_found_in_its_line(keys, line):
    tomllib.loads(TEXT)
    assert TomlLocations("f.toml", TEXT).line(*keys) == line


def test_a_key_that_is_missing_has_the_line_of_what_it_should_be_in():
    assert TomlLocations("f.toml", TEXT).location("waivers", 1, "owner") == "f.toml:22: waivers.1.owner"
    assert TomlLocations("f.toml", TEXT).location("nothing") == "f.toml: nothing"
    assert TomlLocations().location("margins", "safety") == "margins.safety"


def test_keys_are_counted_from_the_table_that_holds_the_settings():
    text = "[project]\nlimit = 1\n[tool.unicomp]\nlimit = 2\n[tool.unicomp.margins]\nsafety = 3\n"
    locations = TomlLocations("pyproject.toml", text, "tool.unicomp")
    assert (locations.line("limit"), locations.line("margins", "safety")) == (4, 6)


@given(st.dictionaries(st.text(min_size=1).filter(lambda key: key != "end"), st.one_of(st.integers(), st.text()), max_size=6))
def test_any_keys_and_texts_are_passed_over_without_losing_count(table):
    def quoted(text):
        return '"' + "".join(f"\\U{ord(character):08X}" for character in text) + '"'

    text = "".join(f"{quoted(key)} = {quoted(value) if isinstance(value, str) else value}\n" for key, value in table.items()) + "end = 1\n"
    if any(0xD800 <= ord(character) < 0xE000 for key in table for character in key + str(table[key])):
        return
    tomllib.loads(text)
    assert TomlLocations("f.toml", text).line("end") == len(table) + 1
