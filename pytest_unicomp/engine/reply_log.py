"""The generated replies of one pass over a benchmark, by prompt, with what their texts do not say: length, ending, thoughts."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from dataclasses import dataclass

from pytest_unicomp.api.records import Reply


@dataclass(frozen=True)
class Generated:
    """One reply: the `answer` that is scored, and the fields of `Reply` except its score."""

    answer: str
    tokens: int | None = None
    truncated: bool | None = None
    looping: bool | None = None
    thoughts: str | None = None
    unfinished: bool = False

    def scored(self, score: float | None) -> Reply:
        """Return the record of this reply with its score."""
        return Reply(score=score, **vars(self))


class ReplyLog:
    """Takes the replies of a language model in the order of its requests, and gives each back once."""

    def __init__(self) -> None:
        """Begin without replies."""
        self._replies: defaultdict[str, deque[Generated]] = defaultdict(deque)

    def add(self, prompt: str, reply: Generated) -> None:
        """Note the reply to a prompt."""
        self._replies[hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()[:16]].append(reply)

    def take(self, prompt_digest: str, answer: str) -> Generated | None:
        """Return the reply to the prompt with this digest (`Item.prompt_digest`), None if there is none; of several, the first with this answer."""
        waiting = self._replies[prompt_digest]
        if not waiting:
            return None
        place = next((place for place, reply in enumerate(waiting) if reply.answer == answer), 0)
        waiting.rotate(-place)
        found = waiting.popleft()
        waiting.rotate(place)
        return found
