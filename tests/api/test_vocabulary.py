"""The words that marks, records and waivers share."""

from __future__ import annotations

from typing import get_args

from pytest_unicomp.api.vocabulary import CAPABILITIES, DIMENSIONS, FAMILIES, MARK_QUESTIONS, Dimension, Family, Question


def test_every_question_of_a_check_can_be_asked_by_a_mark():
    assert set(MARK_QUESTIONS.values()) == set(get_args(Question))


def test_a_question_that_both_know_means_the_same():
    assert all(MARK_QUESTIONS[question] == question for question in get_args(Question) if question in MARK_QUESTIONS)


def test_the_tables_hold_the_words_of_their_types():
    assert set(DIMENSIONS) == set(get_args(Dimension)) == set(CAPABILITIES.values())
    assert {*FAMILIES, "none"} == set(get_args(Family))
