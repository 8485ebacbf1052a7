"""A benchmark of prompts that are answered in free text: a subclass gives the prompts and the score of a reply, and no more."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation, ItemBenchmark, ItemText, ItemTokens, Scored
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Item
from pytest_unicomp.benchmarks.items import select

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine


def greedy(tokens: int) -> dict[str, Any]:
    """Return generation settings: the most likely token each time, at most `tokens` of them, until the model ends its turn."""
    return {"until": [], "do_sample": False, "temperature": 0.0, "max_gen_toks": tokens}


@dataclass(frozen=True)
class Prompt:
    """One item: `target` is the right answer for a reviewer, `cluster` the name of what items share (a passage, a subject), `slice` its part of the set."""

    id: str
    text: str
    target: str = ""
    cluster: str | None = None
    slice: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReplyBenchmark(ItemBenchmark):
    """Put each prompt as a user's turn of the chat template if the model has one, else as plain text, and grade the greedy reply of at most
    `tokens` new tokens. A subclass defines `prompts` and `grade`."""

    tokens: int = 128

    @abstractmethod
    def prompts(self, evaluation: Evaluation) -> Iterable[Prompt]:
        """Yield every item, whatever the limit of the run; loads no model."""

    @abstractmethod
    def grade(self, prompt: Prompt, reply: str) -> float | None:
        """Return the score of a reply, in [0, 1], or None if it has none."""

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        return f"generated reply, {self.metric}"

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem if the prompts cannot be read."""
        try:
            list(self.prompts(evaluation))
        except (OSError, ValueError, KeyError) as error:
            raise UsageProblem(f"unicomp: the prompts of {type(self).__name__} cannot be read: {error!r}.") from error

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the digest of the prompts, and how replies are generated."""
        rows = json.dumps([asdict(prompt) for prompt in self.prompts(evaluation)], ensure_ascii=False)
        return {"dataset": hashlib.sha256(rows.encode()).hexdigest()[:16], "metric": self.metric, "generation": greedy(self.tokens)}

    def questions(self, evaluation: Evaluation) -> Iterator[ItemText]:
        """Yield the text of every prompt."""
        for prompt in self.prompts(evaluation):
            yield ItemText(prompt.id, prompt.text)

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Put the selected prompts to the model and grade its replies."""
        from pytest_unicomp.engine.task_requests import replies

        known = {prompt.id: prompt for prompt in self.prompts(evaluation)}
        names = select(known, limit=evaluation.limit, seed=evaluation.seed, only=evaluation.only)
        chosen = [known[name] for name in names]
        chat = engine.has_chat_template
        put, texts = replies([prompt.text for prompt in chosen], greedy(self.tokens), engine, chat=chat)
        items = tuple(
            Item(
                id=prompt.id,
                cluster=prompt.cluster,
                slice=prompt.slice,
                score=self.grade(prompt, text),
                prompt_digest=hashlib.sha256(asked.encode()).hexdigest()[:16],
                prompt=asked,
                answer=text,
                target=prompt.target,
            )
            for prompt, asked, text in zip(chosen, put, texts, strict=True)
        )
        template = engine.template(chat=chat)
        return Scored(items=items, chance=self.chance, template=template, generation=greedy(self.tokens), engine=engine.name)

    def typical_tokens(self, evaluation: Evaluation) -> ItemTokens:
        """Return a short question and half the allowed reply."""
        return ItemTokens(80.0, self.tokens / 2)
