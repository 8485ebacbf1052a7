"""One line of a file of questions: its fields, and the field that is wrong if it is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_unicomp.api.errors import nearest
from pytest_unicomp.benchmarks.own import patterns, schemas, scorers

Messages = tuple[tuple[str, str], ...]
ROLES: Final = ("system", "user", "assistant")
FIELDS: Final = (
    *("id", "prompt", "messages", "answer", "answers", "options", "pattern", "schema", "criteria"),
    *("cluster", "slice", "must_pass", "example"),
)


class WrongField(ValueError):
    """A field of a question is wrong: `field` is its name, `found` its fault, `expected` what belongs there."""

    def __init__(self, field: str, found: str, expected: str) -> None:
        """Keep the parts; the reader of the file adds the file and the line."""
        super().__init__(f"{field} {found}; expected {expected}")


@dataclass(frozen=True)
class Question:
    """A question with what its scorer needs. `messages` is the whole conversation before the reply, as pairs of role and text; `schema` is JSON.

    `cluster` names what questions share, `slice` the part of the set; a question that is an `example` precedes the others and is not scored.
    """

    id: str
    messages: Messages
    answers: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    pattern: str = ""
    schema: Any = None
    criteria: str = ""
    cluster: str | None = None
    slice: str | None = None
    must_pass: bool = False
    example: bool = False

    @property
    def text(self) -> str:
        """Return the conversation as plain text, one message a paragraph."""
        return "\n\n".join(content for _, content in self.messages)

    @property
    def target(self) -> str:
        """Return the right answer, or the condition of one, as text for a reviewer."""
        return " | ".join(self.answers) or self.pattern or self.criteria or ("" if self.schema is None else "valid under its schema")


def question(row: Any, number: int, scorer: str) -> Question:
    """Return the question of one line, whose id is its line `number` if it names none; raise WrongField for the first field that is wrong."""
    if not isinstance(row, Mapping):
        raise WrongField("the line", f"holds {type(row).__name__}", 'an object such as {"prompt": "...", "answer": "..."}')
    for key in row:
        if key not in FIELDS:
            raise WrongField(repr(key), "is no field of a question", f"{', '.join(FIELDS)}.{nearest(key, FIELDS)}".rstrip("."))
    made = Question(
        id=_text(row, "id") or str(number),
        messages=_messages(row),
        answers=_answers(row),
        options=_texts(row, "options"),
        pattern=_text(row, "pattern") or "",
        schema=row.get("schema"),
        criteria=_text(row, "criteria") or "",
        cluster=_text(row, "cluster"),
        slice=_text(row, "slice"),
        must_pass=_switch(row, "must_pass"),
        example=_switch(row, "example"),
    )
    _require_scorable(made, scorer)
    return made


def _require_scorable(made: Question, scorer: str) -> None:
    """Raise WrongField if a question lacks what the scorer needs; an example needs the answer that is shown."""
    if made.example and not made.answers:
        raise WrongField("answer", "is missing in an example", "the reply that the example shows")
    if scorer == scorers.CHOICE:
        if len(made.options) < 2 or len(set(made.options)) < len(made.options):
            raise WrongField("options", f"is {list(made.options)!r}", "a list of at least two different texts")
        if len(made.answers) != 1 or made.answers[0] not in made.options:
            raise WrongField("answer", f"is {made.answers[0]!r}" if made.answers else "is missing", "one of the options, word for word")
        return
    if made.example:
        return
    wanted = scorers.NEEDS[scorer]
    given = {"answer": made.answers, "pattern": made.pattern, "schema": made.schema is not None, "criteria": made.criteria or made.answers}
    if not given[wanted]:
        raise WrongField(wanted, "is missing", scorers.NEEDED[wanted])
    if scorer == scorers.NUMBER and (wrong := next((one for one in made.answers if scorers.number(one) is None), None)) is not None:
        raise WrongField("answer", f"is {wrong!r}", "a number")
    if scorer == scorers.NORMALIZED and (empty := next((one for one in made.answers if not scorers.normalized(one)), None)) is not None:
        found = f"is {empty!r}, of which nothing is left without punctuation and articles"
        raise WrongField("answer", found, "another answer, or scorer exact")
    if scorer == scorers.PATTERN and (fault := patterns.fault(made.pattern)):
        raise WrongField("pattern", fault, "a regular expression")
    if scorer == scorers.JSON_SCHEMA and (fault := schemas.fault(made.schema)):
        raise WrongField("schema", fault, "a JSON Schema (draft 2020-12) without references to other files")


def _messages(row: Mapping[str, Any]) -> Messages:
    if ("prompt" in row) == ("messages" in row):
        found = "and messages are both there" if "prompt" in row else "is missing"
        raise WrongField("prompt", found, "either prompt, a text, or messages, a list of role and content")
    if "prompt" in row:
        return (("user", _text(row, "prompt") or ""),)
    given = row["messages"]
    if not isinstance(given, list) or not given:
        raise WrongField("messages", f"is {_shown(given)}", "a list of objects with role and content")
    for turn in given:
        if (
            not isinstance(turn, Mapping)
            or set(turn) != {"role", "content"}
            or turn["role"] not in ROLES
            or not isinstance(turn["content"], str)
        ):
            raise WrongField(
                "messages", f"holds {_shown(turn)}", f'objects such as {{"role": "user", "content": "..."}}, a role of {", ".join(ROLES)}'
            )
    if given[-1]["role"] != "user" or not given[-1]["content"].strip():
        raise WrongField("messages", f"ends with {_shown(given[-1])}", "a last message of the user, which the model answers")
    return tuple((turn["role"], turn["content"]) for turn in given)


def _answers(row: Mapping[str, Any]) -> tuple[str, ...]:
    if "answer" in row and "answers" in row:
        raise WrongField("answer", "and answers are both there", "one of them")
    if "answers" in row:
        return _texts(row, "answers")
    given = row.get("answer")
    if isinstance(given, int | float) and not isinstance(given, bool):
        return (f"{given}",)
    one = _text(row, "answer")
    return () if one is None else (one,)


def _texts(row: Mapping[str, Any], field: str) -> tuple[str, ...]:
    given = row.get(field, [])
    if not isinstance(given, list) or not all(isinstance(one, str) and one.strip() for one in given) or (field in row and not given):
        raise WrongField(field, f"is {_shown(given)}", "a list of texts, none of them empty")
    return tuple(given)


def _text(row: Mapping[str, Any], field: str) -> str | None:
    if field not in row:
        return None
    if not isinstance(row[field], str) or not row[field].strip():
        raise WrongField(field, f"is {_shown(row[field])}", "a text that is not empty")
    return str(row[field])


def _switch(row: Mapping[str, Any], field: str) -> bool:
    if not isinstance(row.get(field, False), bool):
        raise WrongField(field, f"is {_shown(row[field])}", "true or false")
    return bool(row.get(field, False))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
