"""Separates a model's thoughts from its answer, by the marks that its chat template or tokenizer has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# The marks in use, by their end: DeepSeek-R1 and Qwen3; Magistral; Kimi; Seed-OSS.
KNOWN: Final = {
    "</think>": "<think>",
    "</thinking>": "<thinking>",
    "</thought>": "<thought>",
    "</reasoning>": "<reasoning>",
    "[/THINK]": "[THINK]",
    "◁/think▷": "◁think▷",
    "</seed:think>": "<seed:think>",
}
# gpt-oss says in which channel each of its messages is (OpenAI harmony format): analysis and commentary are thoughts, final is the answer.
CHANNEL, MESSAGE, FINAL = "<|channel|>", "<|message|>", "final"
_HARMONY = re.compile(
    r"<\|channel\|>\s*(?P<channel>\w+)[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>(?P<text>.*?)(?P<end><\|(?:end|return|call|start|channel)\|>|\Z)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Spoken:
    """A reply in parts: `thoughts` joined by empty lines, None if there are none; `unfinished` if it ends in mid-thought."""

    answer: str
    thoughts: str | None = None
    unfinished: bool = False


@dataclass(frozen=True)
class ThoughtMarks:
    """How a model marks its thoughts: texts that open and close them (`opening` is empty if unknown), or channels."""

    closing: str
    opening: str = ""
    channels: bool = False

    def opened_by(self, prompt: str) -> bool:
        """Return True if a prompt ends inside a thought, as templates do that begin it for the model."""
        return bool(self.opening) and prompt.rstrip().endswith(self.opening)

    def split(self, reply: str, *, opened: bool = False) -> Spoken:
        """Return thoughts and answer of a reply; `opened` says that the prompt ends inside a thought. Linear in the length of the reply.

        A thought begins where its opening mark stands at the beginning of the reply or of a line, and ends at the next closing mark. A closing mark
        that nothing opened ends a thought that began with the reply, if it is the first mark; later ones belong to the answer.
        """
        return _channels(reply) if self.channels else _tags(reply, self.opening, self.closing, opened)


HARMONY: Final = ThoughtMarks(closing=f"{CHANNEL}{FINAL}{MESSAGE}", channels=True)


def marks_of(template: str, added_tokens: Iterable[str], given: str | None = None) -> ThoughtMarks | None:
    """Return the marks of a model: with the closing mark that is `given`, else those of its chat template, else of its added tokens; None if it has none."""
    if given is not None:
        return HARMONY if given == HARMONY.closing else ThoughtMarks(given, KNOWN.get(given, _opening(given)))
    tokens = set(added_tokens)
    if CHANNEL in template and MESSAGE in template:
        return HARMONY
    named = [closing for closing in KNOWN if closing in template] or [closing for closing in KNOWN if closing in tokens]
    return ThoughtMarks(named[0], KNOWN[named[0]]) if named else None


def _opening(closing: str) -> str:
    """Return the opening tag of a closing one; empty for a mark of another form."""
    return closing.replace("/", "", 1) if re.fullmatch(r"[<\[]/.+[>\]]", closing) else ""


def _tags(reply: str, opening: str, closing: str, opened: bool) -> Spoken:
    thoughts: list[str] = []
    answer: list[str] = []
    place = 0
    first, end = _opened_at(reply, opening, 0), reply.find(closing)
    in_thought = opened or (end >= 0 and (first is None or end < first[0]))
    while True:
        if in_thought:
            end = reply.find(closing, place)
            # A model may open the thought that its prompt has opened.
            thoughts.append((reply[place:] if end < 0 else reply[place:end]).strip().removeprefix(opening))
            if end < 0:
                return _spoken(answer, thoughts, unfinished=True)
            place = end + len(closing)
        begun = _opened_at(reply, opening, place)
        answer.append(reply[place:] if begun is None else reply[place : begun[0]])
        if begun is None:
            return _spoken(answer, thoughts, unfinished=False)
        place, in_thought = begun[1], True


def _opened_at(reply: str, opening: str, place: int) -> tuple[int, int] | None:
    """Return beginning and end of the next opening mark that has only spaces between it and `place`, or the beginning of its line; None if there is none."""
    if not opening:
        return None
    mark = re.escape(opening)
    found = re.compile(rf"\s*{mark}").match(reply, place) or re.compile(rf"^[ \t]*{mark}", re.MULTILINE).search(reply, place)
    return (found.start(), found.end()) if found else None


def _channels(reply: str) -> Spoken:
    thoughts: list[str] = []
    answer: list[str] = []
    for message in _HARMONY.finditer(reply):
        (answer if message["channel"] == FINAL else thoughts).append(message["text"])
    if not thoughts and not answer:
        return Spoken(reply)
    return _spoken(answer[-1:], thoughts, unfinished=not answer)


def _spoken(answer: list[str], thoughts: list[str], *, unfinished: bool) -> Spoken:
    said = "".join(answer)
    return Spoken(said.lstrip() if thoughts else said, "\n\n".join(part.strip() for part in thoughts) if thoughts else None, unfinished)
