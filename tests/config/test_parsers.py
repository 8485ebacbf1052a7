"""Parsers of option values: what they accept, from a flag or from a file, and how they refuse the rest."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config import parsers

ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text())
NAME = st.text(st.characters(exclude_characters=",", exclude_categories=["Cs", "Z", "C"]), min_size=1)
PARSERS = {
    "names": parsers.names,
    "texts": parsers.texts,
    "text": parsers.text,
    "path": parsers.path,
    "folder_or_address": parsers.folder_or_address,
    "whole": parsers.whole(1),
    "limit": parsers.limit,
    "fraction": parsers.fraction(0, 1),
    "margin": parsers.margin,
    "choice": parsers.choice("one", "two"),
    "device": parsers.device,
    "temperature": parsers.temperature,
    "switch": parsers.switch,
    "reference": parsers.reference,
}


@pytest.mark.parametrize("name", PARSERS)
@given(value=ANYTHING)
def test_any_value_is_parsed_or_refused_in_one_line_that_names_location_value_and_expectation(name, value):
    try:
        PARSERS[name]("unicomp.toml:3: key", value)
    except UsageProblem as problem:
        text = str(problem)
        assert text.startswith("unicomp: unicomp.toml:3: key is ")
        assert repr(value)[: parsers.LONGEST] in text
        assert "expected" in text
        assert len(text.splitlines()) == 1


@given(st.lists(NAME, max_size=6))
def test_names_from_commas_from_a_list_and_from_repeated_flags_are_the_same(given_names):
    distinct = tuple(dict.fromkeys(given_names))
    assert parsers.names("x", ",".join(given_names)) == distinct
    assert parsers.names("x", given_names) == distinct
    assert parsers.names("x", [" , ".join(given_names), *given_names]) == distinct


def test_texts_keep_their_commas():
    assert parsers.texts("x", ["a,b", "c", "a,b"]) == ("a,b", "c")


@given(st.integers())
def test_whole_numbers_are_read_from_text_and_number_alike_down_to_the_lowest(number):
    parse = parsers.whole(2)
    for value in (number, str(number)):
        if 2 <= number <= parsers.LARGEST:
            assert parse("x", value) == number
        else:
            with pytest.raises(UsageProblem, match="at least 2" if number < 2 else "at most 2,147,483,647"):
                parse("x", value)


@pytest.mark.parametrize("value", [10**26, "9" * 26, "9" * 5000, 10**400])
def test_a_number_of_many_digits_is_refused_in_a_short_line(value):
    for parse in (parsers.whole(0), parsers.limit, parsers.fraction(0, 1), parsers.temperature):
        with pytest.raises(UsageProblem) as refused:
            parse("x", value)
        assert len(str(refused.value)) < 200


@pytest.mark.parametrize("value", [1.0, "1.0", True, "0x10", ""])
def test_what_only_looks_like_a_whole_number_is_refused(value):
    with pytest.raises(UsageProblem):
        parsers.whole(0)("x", value)


@given(st.floats())
def test_a_fraction_lies_strictly_between_its_bounds(number):
    parse = parsers.fraction(0, 0.5)
    if 0 < number < 0.5:
        assert parse("x", str(number)) == parse("x", number) == number
    else:
        with pytest.raises(UsageProblem):
            parse("x", number)


def test_all_is_no_limit():
    assert parsers.limit("x", "all") is None
    assert parsers.limit("x", "3") == 3


@pytest.mark.parametrize(
    ("value", "found"),
    [("0.03", 0.03), (0.03, 0.03), ("5%", "5%"), (" 5 % ", "5%"), ("1.2x errors", "1.2x errors"), ("1.2x", "1.2x errors")],
)
def test_a_margin_is_returned_in_one_spelling(value, found):
    assert parsers.margin("x", value) == found


@pytest.mark.parametrize("value", ["0", "1", "100%", "1x errors", "-5%", "5 percent"])
def test_a_margin_of_nothing_or_everything_is_refused(value):
    with pytest.raises(UsageProblem):
        parsers.margin("x", value)


def test_a_near_word_is_suggested():
    with pytest.raises(UsageProblem, match=r"expected one of missing, changed\. Did you mean 'missing'"):
        parsers.choice("missing", "changed")("--unicomp-update", "mising")


@pytest.mark.parametrize("value", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "sharded"])
def test_devices_are_kept_as_they_are_written(value):
    assert parsers.device("x", value) == value


@pytest.mark.parametrize("value", ["gpu", "cpu:0", "cuda:a", "cuda:-1", "sharded:1", "", None])
def test_devices_of_no_known_form_are_refused(value):
    with pytest.raises(UsageProblem):
        parsers.device("x", value)


@given(st.floats(0, 5))
def test_a_temperature_is_kept_as_text_that_reads_back_as_the_number(number):
    assert math.isclose(float(parsers.temperature("x", number)), number, rel_tol=1e-5, abs_tol=1e-300)


@pytest.mark.parametrize(("value", "found"), [("paper", "paper"), ("0.0", "0"), (1, "1"), ("0.70", "0.7")])
def test_a_temperature_has_one_spelling(value, found):
    assert parsers.temperature("x", value) == found


@pytest.mark.parametrize("value", ["warm", "-0.1", "5.1", "nan", True])
def test_a_temperature_out_of_range_is_refused(value):
    with pytest.raises(UsageProblem, match="expected paper, or a number from 0"):
        parsers.temperature("x", value)


def test_a_path_starts_at_home_and_an_address_is_left_alone():
    assert parsers.path("x", "~/models") == Path.home() / "models"
    assert parsers.folder_or_address("x", "~/store") == Path.home() / "store"
    assert parsers.folder_or_address("x", "s3://bucket/~store") == "s3://bucket/~store"


@pytest.mark.parametrize("value", ["run", "stored", "http://localhost:8000/v1", "HTTPS://host/v1"])
def test_a_reference_is_a_word_or_the_address_of_a_server(value):
    assert parsers.reference("x", value) == value


def test_only_http_addresses_are_servers():
    assert parsers.served("http://host")
    assert not parsers.served("s3://bucket")
    assert not parsers.served("org/http-model")


@pytest.mark.parametrize("value", ["true", 1, None])
def test_a_switch_is_true_or_false(value):
    assert parsers.switch("x", True) is True
    with pytest.raises(UsageProblem, match="expected true or false"):
        parsers.switch("x", value)


def test_places_are_separated_by_commas_unless_the_whole_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parsers.places("--unicomp-candidate", ["a, b", "c"]) == ("a", "b", "c")
    (tmp_path / "a,b").mkdir()
    assert parsers.places("--unicomp-candidate", "a,b") == ("a,b",)
