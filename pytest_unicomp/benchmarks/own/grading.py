"""Scores a reply to one of a user's own questions: 1 if it is right, 0 if not, None if that could not be found out."""

from __future__ import annotations

from pytest_unicomp.benchmarks.own import patterns, schemas
from pytest_unicomp.benchmarks.own.question import Question
from pytest_unicomp.benchmarks.own.scorers import JSON_SCHEMA, NORMALIZED, NUMBER, PATTERN, last_number, normalized, number


def grade(scorer: str, question: Question, reply: str) -> float | None:
    """Return the score of a reply, 0.0 or 1.0; None if a pattern or a schema could not be followed within its limits. Not for choice and judge."""
    if scorer == PATTERN:
        right = patterns.found(question.pattern, reply)
    elif scorer == JSON_SCHEMA:
        right = schemas.valid(question.schema, reply)
    elif scorer == NUMBER:
        said = last_number(reply)
        right = said is not None and any(said == number(answer) for answer in question.answers)
    elif scorer == "contains":
        right = any(answer.casefold() in reply.casefold() for answer in question.answers)
    elif scorer == NORMALIZED:
        right = normalized(reply) in {normalized(answer) for answer in question.answers}
    else:
        right = reply.strip() in {answer.strip() for answer in question.answers}
    return None if right is None else float(right)
