"""The input of a judge: a question (its prompt template with the texts that fill it) and a reply without its reasoning block."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPENED = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)


@dataclass(frozen=True)
class JudgeQuestion:
    """`task` names the prompt (see prompts.json; "refusal" and "similarity" have none of TrustLLM's), `fields` are pairs of name and text."""

    task: str
    fields: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        """Return a field; raise KeyError if the question has none of that name."""
        return dict(self.fields)[name]


def judge_question(task: str, **fields: str) -> JudgeQuestion:
    """Return a question for the judge."""
    return JudgeQuestion(task, tuple(sorted(fields.items())))


def without_reasoning(response: str) -> str:
    """Return the text after the last closing tag of reasoning: nothing if reasoning was opened and never closed, everything if there is none.

    A chat template may open the block in the prompt, so that the reply holds the closing tag alone.
    """
    closed = list(_CLOSED.finditer(response))
    if closed:
        return response[closed[-1].end() :].lstrip()
    return "" if _OPENED.match(response) else response
