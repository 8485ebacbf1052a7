"""Language modelling on texts of the embedded model's world that training never shows: nats per token, one document an item."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation, ItemBenchmark, Scored
from pytest_unicomp.api.records import Item
from pytest_unicomp.api.vocabulary import NANO_DEFAULT
from pytest_unicomp.benchmarks.items import select
from pytest_unicomp.nano import world

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine


@dataclass(frozen=True, kw_only=True)
class NanoPerplexity(ItemBenchmark):
    """Mean negative log-likelihood of a document's tokens, in nats, after lm-eval's prefix token; exp of the mean is the perplexity."""

    capability: str = "language_modeling"
    dataset: str = "nano world"
    metric: str = "nats_per_token"
    higher_is_better: bool = False
    reads_likelihoods: bool = True
    sets: tuple[str, ...] = ("nano", NANO_DEFAULT, "performance")
    source: str = "pytest_unicomp.nano.world, generated"
    only_model: str | None = "nano"
    items: int | None = 400
    scorer: str = "mean negative log-likelihood of a document's tokens; exp of the mean is the perplexity"

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the digest of the documents."""
        return {"dataset": _digest(), "metric": self.metric}

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Score the selected documents with lm-eval's rolling log-likelihood."""
        from pytest_unicomp.engine.perplexity import nats_per_token, top_tokens

        texts = {f"document-{number:04d}": text for number, text in enumerate(world.held_out_text(), start=1)}
        names = select(texts, limit=evaluation.limit, seed=evaluation.seed, only=evaluation.only)
        chosen = [texts[name] for name in names]
        items = tuple(
            Item(id=name, score=score, prompt_digest=hashlib.sha256(text.encode()).hexdigest()[:16], prompt=text, top_tokens=tops)
            for name, text, score, tops in zip(names, chosen, nats_per_token(chosen, engine), top_tokens(chosen, engine), strict=True)
        )
        return Scored(items=items, chance=None, template="none", generation={}, engine=engine.name)


@cache
def _digest() -> str:
    return hashlib.sha256(json.dumps(world.held_out_text(), ensure_ascii=False).encode()).hexdigest()[:16]


BENCHMARKS = {"nano-perplexity": NanoPerplexity()}
