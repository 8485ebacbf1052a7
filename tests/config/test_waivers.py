"""Waivers of the configuration file: complete, or refused with file and line."""

import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config import waivers
from pytest_unicomp.config.toml_lines import TomlLocations

# Its day may pass: whether it has expired is not asked here.
GIVEN = 'recipe = "rtn"\nbenchmark = "toy"\nowner = "Ada"\nreason = "known"\nexpires = 2026-12-31\nevidence = "0123456789abcdef"\n'


def read(text):
    return waivers.read(tomllib.loads(text)["waivers"], TomlLocations("unicomp.toml", text))


def test_a_waiver_is_read_from_its_table():
    (found,) = read(f"[[waivers]]\n{GIVEN}")
    assert (found.expires, found.question, found.about) == (date(2026, 12, 31), "retention", "rtn on toy (retention)")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('owner = "Ada"\n', "", r"unicomp.toml:1: waivers.0.owner is missing; a waiver needs recipe, owner, reason, expires, evidence"),
        ("expires = 2026-12-31\n", "", r"unicomp.toml:1: waivers.0.expires is missing"),
        ('reason = "known"', 'reason = " "', r"unicomp.toml:5: waivers.0.reason is ' '; expected a text"),
        ("expires = 2026-12-31", "expires = 'soon'", r"unicomp.toml:6: waivers.0.expires is 'soon'; expected a day such as"),
        ("expires = 2026-12-31", "expires = 2026-12-31T10:00:00", r"expected a day such as"),
        ('evidence = "0123456789abcdef"', 'evidence = "all"', r"unicomp.toml:7: waivers.0.evidence is 'all'; expected the 16 hex digits"),
        ('owner = "Ada"', 'ownr = "Ada"', r"unicomp.toml:4: waivers.0.ownr: a waiver has no such key. Did you mean 'owner'"),
        ('benchmark = "toy"\n', "", r"unicomp.toml:1: waivers.0: expected either a benchmark or a capability, found neither"),
        ('owner = "Ada"', 'owner = "Ada"\nquestion = "retenton"', r"'retenton'; expected one of retention, .*Did you mean 'retention'"),
    ],
)
def test_a_waiver_that_says_too_little_is_refused_with_file_and_line(old, new, words):
    assert old in GIVEN
    with pytest.raises(UsageProblem, match=words):
        read(f"[[waivers]]\n{GIVEN}".replace(old, new))


def test_a_list_that_is_none_is_refused():
    with pytest.raises(UsageProblem, match=r"unicomp.toml:1: waivers is 'all'; expected a list of tables"):
        read('waivers = "all"\n')


def test_a_waiver_of_a_capability_says_so():
    (found,) = read(f"[[waivers]]\n{GIVEN}".replace('benchmark = "toy"', 'capability = "safety"'))
    assert (found.benchmark, found.about) == (None, "rtn, capability safety")


def test_a_waiver_of_a_capability_is_about_retention_alone():
    with pytest.raises(UsageProblem, match=r"waivers.0.question is 'drift'; expected retention for a capability"):
        read(f"[[waivers]]\n{GIVEN}question = 'drift'\n".replace('benchmark = "toy"', 'capability = "safety"'))


def test_a_waiver_of_both_a_benchmark_and_a_capability_is_refused():
    with pytest.raises(UsageProblem, match="either a benchmark or a capability, found both"):
        read(f"[[waivers]]\n{GIVEN}capability = 'safety'\n")


def test_the_second_of_two_waivers_is_refused_by_its_own_line():
    with pytest.raises(UsageProblem, match=r"unicomp.toml:11: waivers.1.owner is ''"):
        read(f"[[waivers]]\n{GIVEN}[[waivers]]\n{GIVEN}".replace('"Ada"', '"Bo"', 1).replace('"Ada"', '""'))


@given(st.dates(max_value=datetime.now(UTC).date() + waivers.LONGEST))
def test_a_day_is_read_as_a_toml_date_and_as_text(day):
    for written in (day.isoformat(), f"'{day.isoformat()}'"):
        (found,) = read(f"[[waivers]]\n{GIVEN}".replace("2026-12-31", written))
        assert found.expires == day


def test_a_waiver_lasts_at_most_a_year():
    day = datetime.now(UTC).date() + waivers.LONGEST + timedelta(days=2)
    for written in (day.isoformat(), "9999-12-31"):
        with pytest.raises(UsageProblem, match=rf"waivers.0.expires is {written}; expected a day within 366 days"):
            read(f"[[waivers]]\n{GIVEN}".replace("2026-12-31", written))


@given(st.text(alphabet="0123456789abcdefABCDEFxyz", max_size=20))
def test_evidence_is_16_lower_case_hex_digits_or_refused(evidence):
    text = f"[[waivers]]\n{GIVEN}".replace("0123456789abcdef", evidence)
    if len(evidence) == 16 and all(digit in "0123456789abcdef" for digit in evidence):
        assert read(text)[0].evidence == evidence
    else:
        with pytest.raises(UsageProblem, match="evidence"):
            read(text)
