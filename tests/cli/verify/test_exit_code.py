"""The exit code of `unicomp verify`."""

import pytest

from pytest_unicomp.cli.verify import Answer, exit_code


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["as_reported"], 0),
        (["as_reported", "not_checked"], 6),
        (["as_reported", "not_checked", "missing"], 7),
        (["as_reported", "not_checked", "differs"], 1),
        (["not_checked"], 7),
    ],
)
def test_a_part_that_could_not_be_checked_is_no_agreement(states, code):
    assert exit_code([Answer("a check", state, "") for state in states]) == code
