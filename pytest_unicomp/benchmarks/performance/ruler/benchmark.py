"""RULER's single needle, multi-key needle and variable tracking, at 4k tokens and every doubling up to the model's context (arXiv 2404.06654).

An item: "... The number of the red brave lantern is 4829175. ... What is the number of the red brave lantern?" A length counts the prompt, chat template
included, and the reply, in the model's own tokens. The score is the share of the answers that occur in the reply, in any case, as RULER scores. Items
are seeded by their names: every run asks the same, whatever its own seed. A length is a slice of the set: a loss at one of them alone is reported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

from pytest_unicomp.api.benchmark import Evaluation, ItemBenchmark, ItemTokens, Scored
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.records import Item
from pytest_unicomp.benchmarks.items import select
from pytest_unicomp.benchmarks.performance.ruler import hidden
from pytest_unicomp.benchmarks.performance.ruler.filling import units_within
from pytest_unicomp.benchmarks.performance.ruler.hidden import Hidden
from pytest_unicomp.benchmarks.replies import greedy

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

LENGTHS: Final = (4096, 8192, 16384, 32768, 65536, 131072)
PER_LENGTH: Final = 100
SAMPLED: Final = 3


@dataclass(frozen=True, kw_only=True)
class LongText(ItemBenchmark):
    """Texts of `lengths` tokens, PER_LENGTH each, in which `hide` hides what is asked for; replies have at most `tokens` tokens.

    `items` counts all lengths, as a model has them whose context holds the longest.
    """

    hide: Callable[[Random, int], Hidden]
    tokens: int
    lengths: tuple[int, ...] = LENGTHS
    capability: str = "long_context"
    metric: str = "found"
    chance: float | None = 0.0
    dataset: str = "generated"

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        return "generated reply, share of the answers in it"

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the digest of a few short texts, which changes if the generator does, with the lengths and how replies are generated."""
        sample = "".join(repr(self.hide(Random(number), SAMPLED)) for number in range(SAMPLED))
        return {
            "dataset": hashlib.sha256(sample.encode()).hexdigest()[:16],
            "lengths": list(self.lengths),
            "per length": PER_LENGTH,
            "metric": self.metric,
            "generation": greedy(self.tokens),
        }

    def typical_tokens(self, evaluation: Evaluation) -> ItemTokens:
        """Return the middle one of the lengths, and the longest reply."""
        return ItemTokens(float(self.lengths[len(self.lengths) // 2]), float(self.tokens))

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Put the selected texts to the model and look for the answers; raise InfrastructureError if its context holds none of the lengths."""
        from pytest_unicomp.engine.task_requests import replies

        names = {f"{length}/{number:03d}": length for length in self._fitting(engine, evaluation) for number in range(PER_LENGTH)}
        chosen = select(names, limit=evaluation.limit, seed=evaluation.seed, only=evaluation.only)
        made = [self._made(name, names[name], engine) for name in chosen]
        _, said = replies([prompt for prompt, _ in made], greedy(self.tokens), engine, chat=False)
        items = tuple(
            Item(
                id=name,
                slice=str(names[name]),
                score=found(one.answers, reply),
                prompt_digest=hashlib.sha256(prompt.encode()).hexdigest()[:16],
                # The whole prompt would fill a report with megabytes of noise, and is made again from the id.
                prompt=f"[a text of {names[name]:,} tokens] {one.question}",
                answer=reply,
                target=" | ".join(one.answers),
            )
            for name, (prompt, one), reply in zip(chosen, made, said, strict=True)
        )
        template = engine.template(chat=engine.has_chat_template)
        return Scored(items=items, chance=self.chance, template=template, generation=greedy(self.tokens), engine=engine.name)

    def _fitting(self, engine: Engine, evaluation: Evaluation) -> list[int]:
        """Return the lengths that the model's context holds; a limit of replies that the run sets takes its part of it."""
        from pytest_unicomp.engine.reply_settings import settings_of

        applied = settings_of(engine.tokenizer, engine.path, evaluation).applied(greedy(self.tokens))["max_gen_toks"]
        fitting = [length for length in self.lengths if length - self.tokens + applied <= engine.max_length]
        if not fitting:
            raise InfrastructureError(
                f"unicomp: the texts have {self.lengths[0]:,} tokens or more, and with replies of up to {applied:,} tokens the model's context of "
                f"{engine.max_length:,} holds none; expected a longer context, or --unicomp-max-gen-toks={self.tokens}."
            )
        return fitting

    def _made(self, name: str, length: int, engine: Engine) -> tuple[str, Hidden]:
        """Return the prompt of an item as the model gets it, and what is hidden in it."""

        def tokens(units: int) -> int:
            return len(engine.tokenizer(_rendered(self.hide(Random(name), units), engine))["input_ids"])

        one = self.hide(Random(name), units_within(tokens, length - self.tokens))
        return _rendered(one, engine), one


def _rendered(one: Hidden, engine: Engine) -> str:
    """Return a user's turn of the chat template if the model has one, else the text with the beginning of the answer, which a base model goes on from."""
    asked = f"{one.text}\n{one.question}"
    if engine.has_chat_template:
        return str(engine.lm.apply_chat_template([{"role": "user", "content": asked}]))
    return f"{asked}\n{one.beginning}"


def found(answers: tuple[str, ...], reply: str) -> float:
    """Return the share of the answers that occur in a reply, in any case (RULER's `string_match_all`)."""
    return sum(answer.lower() in reply.lower() for answer in answers) / len(answers)


def _kind(hide: Callable[[Random, int], Hidden], tokens: int, what: str) -> LongText:
    return LongText(
        hide=hide,
        tokens=tokens,
        items=PER_LENGTH * len(LENGTHS),
        sets=("long-context",),
        source=f"{what} of RULER; Hsieh et al. 2024, arXiv 2404.06654",
    )


KINDS: Final = {
    "ruler_single": _kind(hidden.single, 48, "single needle"),
    "ruler_multikey": _kind(hidden.many, 48, "multi-key needle"),
    "ruler_tracking": _kind(hidden.chain, 96, "variable tracking"),
}
# The shortest length by itself, for a machine or a model that holds no more.
SHORTEST: Final = {
    f"{name}_4k": replace(kind, lengths=LENGTHS[:1], items=PER_LENGTH, sets=("long-context-4k",)) for name, kind in KINDS.items()
}
BENCHMARKS = {**KINDS, **SHORTEST}
