"""Thoughts are cut from what is scored, and nothing else is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.engine.thoughts import HARMONY, KNOWN, Spoken, ThoughtMarks, marks_of

TAGS = ThoughtMarks("</think>", "<think>")


@pytest.mark.parametrize(
    ("reply", "opened", "answer", "thoughts", "unfinished"),
    [
        ("42", False, "42", None, False),
        ("", False, "", None, False),
        ("<think>\n6*7\n</think>\n\n42", False, "42", "6*7", False),
        # The template opens the thought in the prompt.
        ("6*7\n</think>\n\n42", True, "42", "6*7", False),
        ("<think>\n6*7\n</think>42", True, "42", "6*7", False),
        # DeepSeek-R1's template without the opening mark, read by a caller that does not know it.
        ("6*7</think>42", False, "42", "6*7", False),
        ("<think>6*7 = 4", False, "", "6*7 = 4", True),
        ("6*7 = 4", True, "", "6*7 = 4", True),
        ("<think>a</think>", False, "", "a", False),
        ("<think></think>yes", False, "yes", "", False),
        ("<think>a</think>\n<think>b</think>\nyes", False, "yes", "a\n\nb", False),
        ("<think>a</think>Wait.\n<think>b</think>\nyes", False, "Wait.\n\nyes", "a\n\nb", False),
        ("<think>a</think>yes\n<think>no", False, "yes\n", "a\n\nno", True),
        # Marks that the answer speaks of.
        ("<think>a</think>The tag </think> closes.", False, "The tag </think> closes.", "a", False),
        ("<think>a</think>Write <think> first.", False, "Write <think> first.", "a", False),
        ("Write <think> first.", False, "Write <think> first.", None, False),
    ],
)
def test_a_reply_is_split_into_thoughts_and_answer(reply, opened, answer, thoughts, unfinished):
    assert TAGS.split(reply, opened=opened) == Spoken(answer, thoughts, unfinished)


@pytest.mark.parametrize(
    ("reply", "answer", "thoughts", "unfinished"),
    [
        ("<|channel|>analysis<|message|>6*7<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>", "42", "6*7", False),
        ("<|channel|>analysis<|message|>6*7 is", "", "6*7 is", True),
        ("<|channel|>final<|message|>42", "42", None, False),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>",
            "",
            "a\n\n{}",
            True,
        ),
        ("42", "42", None, False),
    ],
)
def test_the_channels_of_gpt_oss_are_thoughts_except_the_final_one(reply, answer, thoughts, unfinished):
    assert HARMONY.split(reply) == Spoken(answer, thoughts, unfinished)


PARTS = st.lists(st.sampled_from(["<think>", "</think>", "\n", " ", "a", "<", "think>"]), max_size=12).map("".join)


@given(PARTS, st.booleans())
def test_no_character_is_invented_or_lost_but_marks_and_space(reply, opened):
    found = TAGS.split(reply, opened=opened)
    left = found.answer + (found.thoughts or "")
    plain = {character: left.count(character) for character in "a"}
    assert plain == {character: reply.count(character) for character in "a"}
    assert found.thoughts is not None or (found.answer == reply and not found.unfinished)
    assert not found.unfinished or found.thoughts is not None


@given(st.text(alphabet="ab \n", max_size=20), st.text(alphabet="ab \n", max_size=20), st.sampled_from(sorted(KNOWN.items())))
def test_a_thought_and_an_answer_come_back_as_they_were_written(thought, answer, marks):
    closing, opening = marks
    found = ThoughtMarks(closing, opening).split(f"{opening}{thought}{closing}{answer}")
    assert found == Spoken(answer.lstrip(), thought.strip(), unfinished=False)


@given(st.text(max_size=60))
def test_a_reply_without_marks_is_left_alone(reply):
    for marks in (TAGS, HARMONY):
        if not any(part in reply for part in ("think>", "<|")):
            assert marks.split(reply) == Spoken(reply)


@pytest.mark.parametrize(
    "reply", ["x <think> " * 40_000, "<think>" * 40_000, "</think>" * 40_000, " " * 400_000, "<think>a</think>\n" * 20_000]
)
def test_the_time_is_linear_in_the_length(reply):
    started = time.process_time()
    TAGS.split(reply)
    HARMONY.split(reply)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("reply", ["<|channel|>a" * 20_000, "<|channel|>a<|message|>" * 20_000, "<|channel|>" + " " * 200_000])
def test_channels_are_read_in_linear_time(reply):
    started = time.process_time()
    HARMONY.split(reply)
    assert time.process_time() - started < 2


def test_the_marks_are_those_of_the_template_then_of_the_tokenizer_unless_given():
    assert marks_of("{{ '<think>\\n\\n</think>' }}", []) == TAGS
    assert marks_of("", ["<think>", "</think>"]) == TAGS
    assert marks_of("<|start|>assistant<|channel|>analysis<|message|>", ["</think>"]) == HARMONY
    assert marks_of("{{ messages }}", ["<|im_end|>"]) is None
    assert marks_of("</think>", [], "</plan>") == ThoughtMarks("</plan>", "<plan>")
    assert marks_of("", [], "Answer:") == ThoughtMarks("Answer:", "")


def test_a_prompt_that_ends_inside_a_thought_is_recognized():
    assert TAGS.opened_by("<|im_start|>assistant\n<think>\n")
    assert not TAGS.opened_by("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert not TAGS.opened_by("What does <think> mean?")
    assert not ThoughtMarks("Answer:").opened_by("x")
