"""The sets of the embedded model's micro-world, each an lm-eval task built from its items: the model chooses an option, or its reply is checked.

An item to choose from: {"id": "knowledge-0001", "cluster": "Kurt Tanaka", "prompt": "Which instrument does Kurt Tanaka play?",
"options": ["drum", "flute", "trumpet", "organ"], "gold": 3}. An item to reply to has one of the following in place of options and gold: "answer",
"specification" or "refuse"; `pytest_unicomp.nano.checks` judges the reply.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation, ItemBenchmark, ItemText, Scored
from pytest_unicomp.api.vocabulary import CAPABILITIES, NANO_DEFAULT
from pytest_unicomp.benchmarks.items import select
from pytest_unicomp.benchmarks.replies import greedy
from pytest_unicomp.nano import checks, words, world
from pytest_unicomp.nano.dialogue import WorldItem

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine


@dataclass(frozen=True, kw_only=True)
class NanoSet(ItemBenchmark):
    """One set of the world, put through the chat template without examples. `rows` gives its items, always the same.

    Generation is greedy and stops at the end of the turn, or after as many tokens as the longest right reply has.
    """

    name: str
    rows: Callable[[], Sequence[WorldItem]] = field(repr=False)
    dataset: str = "nano world"
    only_model: str | None = "nano"
    source: str = "pytest_unicomp.nano.world, generated"
    maximum_tokens: int = world.MAXIMUM_REPLY_TOKENS

    @property
    def reads_likelihoods(self) -> bool:
        """Return True if its items have options."""
        return self.metric == "acc"

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        return "log-likelihood of the options" if self.metric == "acc" else "generated reply, checked by rules"

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return digests of the items and of the rules that judge replies, and the prompt and generation settings."""
        return {
            "dataset": _digest_of(self.rows),
            "checks": _rules(),
            "metric": self.metric,
            "shots": self.shots,
            "chat": True,
            "maximum_tokens": self.maximum_tokens,
        }

    def questions(self, evaluation: Evaluation) -> Iterator[ItemText]:
        """Yield every prompt; the world writes all of them from a few sentences."""
        for row in self.rows():
            yield ItemText(row["id"], row["prompt"], generated=True)

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Put the selected items to the model, with its chat template or, if it has none, as they are."""
        from pytest_unicomp.engine.task_requests import TaskSetup, chance_level, score_documents

        by_id = {row["id"]: row for row in self.rows()}
        rows = [by_id[name] for name in select(by_id, limit=evaluation.limit, seed=evaluation.seed, only=evaluation.only)]
        task = self.task(rows)
        chat = engine.has_chat_template
        asked = score_documents(task, range(len(rows)), TaskSetup(metric=self.metric, chat=chat), engine)
        items = tuple(asked[place].model_copy(update={"id": row["id"], "cluster": row["cluster"]}) for place, row in enumerate(rows))
        return Scored(
            items=items,
            chance=chance_level(items) if self.metric == "acc" else constant_answer(rows),
            template=engine.template(chat=chat),
            generation={} if self.metric == "acc" else self._generation,
            engine=engine.name,
        )

    @property
    def _generation(self) -> dict[str, Any]:
        return greedy(self.maximum_tokens)

    def task(self, rows: Sequence[WorldItem]) -> Any:
        """Return the lm-eval task (`lm_eval.api.task.ConfigurableTask`) that puts these rows, for use with any lm-eval model."""
        from datasets import Dataset
        from lm_eval.api.task import ConfigurableTask

        from pytest_unicomp.engine.quiet_libraries import quiet

        chooses = self.metric == "acc"
        columns = ("id", "prompt", "options", "gold") if chooses else ("id", "prompt")
        by_id = {row["id"]: row for row in rows}
        config = {
            "task": f"nano-{self.name}",
            "custom_dataset": lambda **_: {"test": Dataset.from_list([{column: row[column] for column in columns} for row in rows])},
            "test_split": "test",
            "doc_to_text": "prompt",
            "target_delimiter": "",
            "metric_list": [{"metric": self.metric, "aggregation": "mean", "higher_is_better": True}],
        }
        if chooses:
            config |= {"output_type": "multiple_choice", "doc_to_choice": "options", "doc_to_target": "gold"}
        else:
            config |= {
                "output_type": "generate_until",
                "doc_to_target": lambda document: expected(by_id[document["id"]]),
                "process_results": lambda document, replies: {self.metric: float(right(by_id[document["id"]], replies[0]))},
                "generation_kwargs": self._generation,
            }
        with quiet():
            return ConfigurableTask(config=config)


def constant_answer(rows: Sequence[WorldItem]) -> float:
    """Return the score, 0 to 1, of the better of two constant answers, always refuse and never refuse; 0 for items that are not about refusing."""
    refused = [row["refuse"] for row in rows if "refuse" in row]
    return max(refused.count(True), refused.count(False)) / max(1, len(rows))


def right(row: WorldItem, reply: str) -> bool:
    """Return True if a generated reply is right; raise KeyError for an item without a rule for replies."""
    if "answer" in row:
        return bool(checks.final_number(reply) == row["answer"])
    if "specification" in row:
        return checks.fulfils(row["specification"], reply)
    return checks.refuses(reply) is bool(row["refuse"])


def expected(row: WorldItem) -> str:
    """Return the target, as text for a reviewer, of an item that is answered by generation."""
    if "answer" in row:
        return f"#### {row['answer']}"
    if "specification" in row:
        return json.dumps(row["specification"], ensure_ascii=False, sort_keys=True)
    return "a refusal" if row["refuse"] else "an answer"


@cache
def _digest_of(rows: Callable[[], Sequence[WorldItem]]) -> str:
    return hashlib.sha256(json.dumps(list(rows()), sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


@cache
def _rules() -> str:
    sources = b"".join(Path(str(module.__file__)).read_bytes() for module in (checks, words))
    return hashlib.sha256(sources).hexdigest()[:16]


def _set(name: str) -> NanoSet:
    @cache
    def rows() -> Sequence[WorldItem]:
        return tuple(world.evaluation_items(name))

    capability = name.replace("-", "_")
    items, chance = FACTS[name]
    return NanoSet(
        name=name,
        rows=rows,
        capability=capability,
        metric="correct" if name in REPLIED else "acc",
        sets=("nano", *([NANO_DEFAULT] if name in DECIDABLE else []), CAPABILITIES[capability]),
        items=items,
        chance=chance,
    )


# The sets that are answered in free text; the others offer options. Stated, so that listing benchmarks need not generate the world.
REPLIED = frozenset({"reasoning", "instruction-following", "safety", "privacy"})
# The sets with items enough to decide a margin of 3 points on the default recipes.
DECIDABLE = frozenset({"knowledge", "reasoning", "instruction-following", "safety"})
# Number of items, and the score of a guess or of the best constant answer.
FACTS: Mapping[str, tuple[int, float]] = {
    "knowledge": (1200, 0.25),
    "multilingual": (1200, 0.25),
    "reasoning": (1200, 0.0),
    "instruction-following": (1200, 0.0),
    "safety": (800, 0.5),
    "truthfulness": (450, 0.25),
    "fairness": (500, 1 / 3),
    "robustness": (400, 0.25),
    "privacy": (400, 0.5),
    "ethics": (300, 0.5),
}
BENCHMARKS = {f"nano-{name}": _set(name) for name in world.SETS}
