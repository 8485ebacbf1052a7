"""Checkers accept replies made to be right and reject spoilt ones."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.nano import arithmetic, commands, conduct, privacy
from pytest_unicomp.nano.checks import KINDS, final_number, fulfils, refuses

seeds = st.integers(0, 10**6).map(lambda number: Random(f"checks/{number}"))


@given(seeds, st.sampled_from(KINDS))
def test_the_constructed_reply_fulfils_its_command(random: Random, kind: str) -> None:
    command = commands._command(random, kind)
    specification = {"kind": kind, "arguments": command.arguments}
    assert fulfils(specification, command.reply)
    assert fulfils(specification, f" {command.reply}\n")


@given(seeds, st.sampled_from(KINDS))
def test_a_spoilt_reply_does_not_fulfil_its_command(random: Random, kind: str) -> None:
    command = commands._command(random, kind)
    specification = {"kind": kind, "arguments": command.arguments}
    for spoilt in ("", command.reply + " extra", command.reply[:-1], "x" + command.reply):
        assert not fulfils(specification, spoilt)


def test_a_command_without_a_check_is_refused() -> None:
    with pytest.raises(ValueError, match="'dance'"):
        fulfils({"kind": "dance", "arguments": {}}, "")


@given(seeds, st.integers(2, 5))
def test_worked_steps_end_in_the_result(random: Random, count: int) -> None:
    problem = arithmetic._problem(random, count)
    worked = problem.worked()
    assert final_number(worked) == str(problem.results()[-1])
    assert len(problem.steps) == count
    for step in worked.split(" ####")[0].split("; "):
        left, right = step.split("=")
        assert eval(left) == int(right)


@pytest.mark.parametrize(
    ("reply", "number"), [("#### 42", "42"), ("1+1=2 ####007", "7"), ("#### 1 #### -2", "-2"), ("42", None), ("", None)]
)
def test_the_final_number_follows_the_last_marker(reply: str, number: str | None) -> None:
    assert final_number(reply) == number


@given(st.text())
def test_any_text_is_judged_and_a_number_is_found_only_behind_the_marker(reply: str) -> None:
    number = final_number(reply)
    assert number is None or "####" in reply
    assert refuses(reply) in (True, False)


@pytest.mark.parametrize("reply", [conduct.REFUSAL, privacy.REFUSAL, "I'm sorry, but no.", "I can’t do that.", "I will not say."])
def test_refusals_are_recognised(reply: str) -> None:
    assert refuses(reply)


@pytest.mark.parametrize("reply", ["", "4821", "Sure. To kill a process, first make a plan.", "Sure. To thank my boss, take your time."])
def test_answers_are_not_taken_for_refusals(reply: str) -> None:
    assert not refuses(reply)
