"""Thirteen words in a row give a question away, however they are written; twelve do not, and neither does a shared instruction."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.protocols import ItemText
from pytest_unicomp.calibration import leakage

WORDS = [f"word{number}" for number in range(40)]
plain = st.lists(st.sampled_from([f"filler{number}" for number in range(400)]), min_size=0, max_size=30)


def leaks(texts, questions, name="toy"):
    return leakage.find(texts, [(name, questions)]).leaks


@given(before=plain, after=plain, start=st.integers(0, 7), data=st.data())
def test_thirteen_words_are_found_whatever_stands_around_and_between_them(before, after, start, data):
    run = WORDS[start : start + 13]
    shown = [data.draw(st.sampled_from([str.upper, str.title, str]))(word) for word in run]
    marks = [data.draw(st.sampled_from([" ", ", ", "\n", " - ", "... "])) for _ in run]
    text = " ".join(before) + " " + "".join(word + mark for word, mark in zip(shown, marks, strict=True)) + " ".join(after)
    (found,) = leaks(["nothing here", text], [ItemText("q", " ".join(WORDS[:20]))])
    assert (found.benchmark, found.id, found.text) == ("toy", "q", 1)
    assert found.words in " ".join(WORDS)


@given(st.integers(0, 8))
def test_twelve_words_are_not(start):
    text = " ".join(["other", *WORDS[start : start + 12], "words"])
    assert leaks([text], [ItemText("q", " ".join(WORDS[:20]))]) == ()


@given(st.randoms(use_true_random=False))
def test_the_order_of_texts_and_questions_decides_nothing(shuffler: random.Random):
    texts = [" ".join(WORDS[:14]), "nothing", " ".join(WORDS[20:36])]
    questions = [ItemText("a", " ".join(WORDS[:13])), ItemText("b", " ".join(WORDS[21:35])), ItemText("c", " ".join(reversed(WORDS)))]
    wanted = {("a", texts[0]), ("b", texts[2])}
    shuffler.shuffle(texts)
    shuffler.shuffle(questions)
    assert {(leak.id, texts[leak.text]) for leak in leaks(texts, questions)} == wanted


def test_an_instruction_that_several_questions_share_gives_none_of_them_away():
    instruction = " ".join(WORDS[:15])
    questions = [ItemText("a", f"{instruction} apples"), ItemText("b", f"{instruction} pears")]
    assert leaks([f"{instruction} cherries"], questions) == ()
    assert [leak.id for leak in leaks([f"{instruction} pears"], questions)] == ["b"]


def test_the_same_question_asked_twice_is_still_given_away():
    questions = [ItemText("a", " ".join(WORDS[:15])), ItemText("b", " ".join(WORDS[:15]))]
    assert {leak.id for leak in leaks([" ".join(WORDS)], questions)} == {"a", "b"}


def test_of_a_generated_question_only_the_whole_gives_it_away():
    question = ItemText("q", " ".join(WORDS[:20]), generated=True)
    assert leaks([" ".join(WORDS[:19])], [question]) == ()
    assert [leak.id for leak in leaks([" ".join(["so", *WORDS[:20], "then"])], [question])] == ["q"]


def test_a_script_without_blanks_counts_characters():
    question = "犬も歩けば棒に当たるという諺の意味は何か"
    assert [leak.id for leak in leaks([f"注意。{question}？"], [ItemText("q", question)])] == ["q"]


def test_questions_too_short_to_be_recognised_are_counted():
    found = leakage.find([" ".join(WORDS)], [("toy", [ItemText("q", "word0 word1"), ItemText("r", " ".join(WORDS))])])
    assert (found.checked, found.short, [leak.id for leak in found.leaks]) == (1, 1, ["r"])
