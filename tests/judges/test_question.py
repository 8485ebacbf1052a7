"""A judge reads a reply without its reasoning, and a question by the names of its fields."""

import pytest

from pytest_unicomp.judges.question import JudgeQuestion, judge_question, without_reasoning


@pytest.mark.parametrize(
    ("response", "left"),
    [
        ("Sure.", "Sure."),
        ("<think>hm</think>\n\nSure.", "Sure."),
        ("hm</think> Sure.", "Sure."),
        ("<Reasoning>a</reasoning> b </thought> c", "c"),
        ("  <thinking>never closed", ""),
        ("Use <think> as a tag.", "Use <think> as a tag."),
        ("", ""),
    ],
)
def test_what_stands_behind_the_last_closing_tag_is_the_reply(response, left):
    assert without_reasoning(response) == left


def test_equal_questions_are_equal_in_whatever_order_their_fields_are_given():
    one, other = judge_question("t", b="2", a="1"), judge_question("t", a="1", b="2")
    assert one == other == JudgeQuestion("t", (("a", "1"), ("b", "2")))
    assert one["b"] == "2"
    with pytest.raises(KeyError):
        one["c"]
