"""Perplexity on WikiText-2's test part by the UniComp paper's fixed-block protocol (von Rad et al., arXiv 2602.09130; Merity et al., arXiv 1609.07843).

A row: {"text": " = Robert Boulter = \\n"}. Rows are joined by blank lines, one beginning-of-sequence token is put in front, the tokens are cut
into blocks that do not overlap, the tail is dropped, and each block is scored on its own; exp of the mean of the blocks is the perplexity.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation, ItemBenchmark, ItemTokens, Piece, Scored
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Item
from pytest_unicomp.benchmarks import dataset as files
from pytest_unicomp.benchmarks.items import select

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

RAW, TOKENIZED = "wikitext-2-raw-v1", "wikitext-2-v1"


@dataclass(frozen=True, kw_only=True)
class FixedBlockPerplexity(ItemBenchmark):
    """Nats per token on blocks of `block` tokens, or of the model's context if that is shorter.

    The paper uses the raw text; a bundle that has only the tokenized one (with its <unk>) is used as it is, and `identity` states so.
    """

    block: int = 4096
    capability: str = "language_modeling"
    dataset: str = "Salesforce/wikitext"
    metric: str = "nats_per_token"
    higher_is_better: bool = False
    reads_likelihoods: bool = True
    sets: tuple[str, ...] = ("performance", "paper")
    scorer: str = "mean negative log-likelihood of a block's tokens; exp of the mean is the perplexity"
    source: str = "WikiText-2, arXiv 1609.07843; blocks as in arXiv 2602.09130"

    @property
    def configurations(self) -> tuple[str, ...]:
        """Return the configuration to fetch: the raw text, which the paper uses."""
        return (RAW,)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the data set."""
        return (Piece("dataset", self.dataset),)

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem if the bundle has neither form of the text."""
        files.require(self.dataset, [_configuration(evaluation.bundle)], evaluation.bundle)

    def substitution(self, evaluation: Evaluation) -> str | None:
        """Return a phrase if the bundle's tokenized text is used in place of the raw text, else None."""
        if _configuration(evaluation.bundle) == RAW:
            return None
        return f"the bundle lacks {self.dataset}, configuration {RAW}; the tokenized {TOKENIZED} is used, whose perplexities are others"

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the text's digest, which of the two forms it is, and the block length."""
        configuration = _configuration(evaluation.bundle)
        return {
            "dataset": files.digest(self.dataset, [configuration], evaluation.bundle),
            "configuration": configuration,
            "block": self.block,
        }

    def typical_tokens(self, evaluation: Evaluation) -> ItemTokens:
        """Return the tokens of a block."""
        return ItemTokens(float(self.block), 0.0)

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Score the selected blocks; raise UnicompError if the text is shorter than one block."""
        from pytest_unicomp.engine.perplexity import block_nats

        tokens = _tokens(engine, _text(self.dataset, evaluation.bundle))
        length = min(self.block, engine.max_length)
        blocks = {f"block-{number:04d}": tokens[number * length : (number + 1) * length] for number in range(len(tokens) // length)}
        if not blocks:
            raise UnicompError(f"unicomp: wikitext2-perplexity found {len(tokens)} tokens; expected at least one block of {length}.")
        items = []
        for name in select(blocks, limit=evaluation.limit, seed=evaluation.seed, only=evaluation.only):
            nats, tops = block_nats(blocks[name], engine)
            prompt_digest = hashlib.sha256(json.dumps(blocks[name]).encode()).hexdigest()[:16]
            items.append(Item(id=name, score=nats, prompt_digest=prompt_digest, top_tokens=tops))
        return Scored(items=tuple(items), chance=None, template="none", generation={"block": length}, engine=engine.name)


def _configuration(bundle: Path | None) -> str:
    if bundle is not None and not (bundle / "Salesforce/wikitext" / RAW).is_dir():
        return TOKENIZED
    return RAW


def _text(dataset: str, bundle: Path | None) -> str:
    from datasets import load_dataset

    from pytest_unicomp.engine.quiet_libraries import quiet

    with quiet():
        rows = load_dataset(files.resolve(dataset, bundle), _configuration(bundle), split="test")
    return "\n\n".join(rows["text"])


def _tokens(engine: Engine, text: str) -> list[int]:
    tokens = list(engine.tokenizer(text, add_special_tokens=False)["input_ids"])
    first = engine.tokenizer.bos_token_id
    return tokens if first is None else [int(first), *tokens]


BENCHMARKS = {"wikitext2-perplexity": FixedBlockPerplexity()}
