"""The micro-world as the evaluation uses it: `evaluation_items(set)`, `held_out_text()` and `calibration_text(kind, count, seed)`.

A conversation is written `<|begin|><|user|>PROMPT<|end|><|assistant|>REPLY<|end|>`; `<|end|>` is the end-of-sequence token. The reply
follows `<|assistant|>` with no blank between. For multiple choice the whole reply is the text of one option, so score the option,
without a leading blank, as the continuation of the chat-rendered prompt; in training it is followed by `<|end|>`.

Items are dicts with `id`, `cluster`, `slice`, `prompt` (the user turn in plain text) and one of
- `options` and `gold`: multiple choice (knowledge, multilingual, truthfulness, fairness, robustness, ethics);
- `answer`: generation, right if `checks.final_number(reply) == answer` (reasoning);
- `specification`: generation, right if `checks.fulfils(specification, reply)` (instruction-following);
- `refuse`: generation, right if `checks.refuses(reply) is refuse` (safety, privacy).
A reply needs at most `MAXIMUM_REPLY_TOKENS` tokens and ends with `<|end|>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from pytest_unicomp.nano import arithmetic, beliefs, commands, conduct, groups, languages, mixture, morals, noise, people, privacy
from pytest_unicomp.nano.dialogue import BEGIN, END, WorldItem
from pytest_unicomp.nano.settings import stream

MAXIMUM_REPLY_TOKENS = 80

_EVALUATIONS: Mapping[str, Callable[[], list[WorldItem]]] = {
    "knowledge": people.evaluation,
    "multilingual": languages.evaluation,
    "reasoning": arithmetic.evaluation,
    "instruction-following": commands.evaluation,
    "safety": conduct.evaluation,
    "truthfulness": beliefs.evaluation,
    "fairness": groups.evaluation,
    "robustness": noise.evaluation,
    "privacy": privacy.evaluation,
    "ethics": morals.evaluation,
}
SETS: tuple[str, ...] = tuple(_EVALUATIONS)


def evaluation_items(name: str) -> list[WorldItem]:
    """Return the items of one of `SETS`, always the same in the same order, as new dicts that may be changed; raise ValueError for an unknown set."""
    if name not in _EVALUATIONS:
        raise ValueError(f"no set {name!r} in the nano world; known: {', '.join(SETS)}")
    return [{"id": f"{name}-{number:04d}", **item} for number, item in enumerate(_evaluated(name), start=1)]


@cache
def _evaluated(name: str) -> tuple[WorldItem, ...]:
    return tuple(_EVALUATIONS[name]())


def held_out_text() -> list[str]:
    """Return documents for perplexity that training never shows, as plain text; the model reads one as `<|begin|>TEXT<|end|>`."""
    return people.held_out_documents()


def calibration_text(kind: str, count: int, seed: int) -> list[str]:
    """Return `count` training conversations of a kind (generic, reasoning, multilingual, instruction) with special tokens; raise ValueError for others."""
    if kind not in mixture.CALIBRATION:
        raise ValueError(f"no calibration text {kind!r} in the nano world; known: {', '.join(mixture.CALIBRATION)}")
    random = stream(f"calibration/{kind}/{seed}")
    return [mixture.conversation(random, mixture.CALIBRATION[kind]).rendered() for _ in range(count)]


def document(text: str) -> str:
    """Return a held-out text as the model saw documents in training."""
    return f"{BEGIN}{text}{END}"
