"""Limits on replies: the nearest name wins, and what is no limit is refused with its place before anything runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.reply_limits import NAMES, limits_of, require_readable
from tests.config.test_policy_tables import configured

RATIOS = st.floats(1, 100, exclude_min=True)
POINTS = st.floats(0, 1, exclude_min=True, exclude_max=True)
LIMITS = st.fixed_dictionaries({}, optional={"length_ratio": RATIOS, "truncated": POINTS, "looping": POINTS})


def where(*keys):
    return ".".join(map(str, keys))


@given(LIMITS, LIMITS.filter(bool), LIMITS.filter(bool))
def test_a_benchmarks_own_limit_wins_over_its_capabilitys_and_that_over_the_runs(run, capability, benchmark):
    table = {**run, "reasoning": capability, "gsm8k": benchmark}
    require_readable(table, where)
    assert limits_of(table, benchmark="gsm8k", capability="reasoning") == {**run, **capability, **benchmark}
    assert limits_of(table, benchmark="ifeval", capability="reasoning") == {**run, **capability}
    assert limits_of(table, benchmark="ifeval", capability="other") == run


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("length_ratio = 1", r"toml:2: reply_limits.length_ratio is 1; expected a number above 1, such as 1.25"),
        ("length_ratio = '1.2x'", r"length_ratio is '1.2x'; expected a number above 1"),
        ("length_ratio = inf", r"length_ratio is inf; expected a number above 1"),
        ("length_ratio = nan", r"length_ratio is nan; expected a number above 1"),
        ("truncated = 0", r"truncated is 0; expected a number above 0 and below 1"),
        ("looping = true", r"looping is True; expected a number above 0 and below 1"),
        ("truncated = 2", r"truncated is 2; .* Did you mean 0.02, 2 points\?"),
        ("truncatd = 0.1", r"toml:2: reply_limits.truncatd is 0.1; expected one of .* Did you mean 'truncated'"),
        ("[reply_limits.gsm8k]\nloping = 0.1", r"toml:3: reply_limits.gsm8k.loping is 0.1; .* Did you mean 'looping'"),
        ("[reply_limits.gsm8k]", r"reply_limits.gsm8k. is 'nothing'; expected one of"),
    ],
)
def test_what_is_no_limit_is_refused_with_its_place(tmp_path, text, words):
    with pytest.raises(UsageProblem, match=words):
        configured(tmp_path, f"[reply_limits]\n{text}\n")


def test_a_table_is_expected():
    with pytest.raises(UsageProblem, match=r"reply_limits is \[\]; expected a table of limits"):
        require_readable([], where)


def test_profiles_share_limits_name_by_name(tmp_path):
    text = """
[profiles.a.reply_limits]
truncated = 0.02
[profiles.a.reply_limits.gsm8k]
length_ratio = 1.5
looping = 0.01
[reply_limits]
truncated = 0.05
[reply_limits.gsm8k]
length_ratio = 2
"""
    settings = configured(tmp_path, text, profile="a")
    assert settings.reply_limits == {"truncated": 0.05, "gsm8k": {"length_ratio": 2, "looping": 0.01}}
    assert limits_of(settings.reply_limits, benchmark="gsm8k", capability="reasoning").keys() == set(NAMES)
