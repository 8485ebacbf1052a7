"""Scores a benchmark once, or in several passes of sampled replies, and gives every item its replies and their mean score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation, ItemBenchmark, Scored
from pytest_unicomp.api.records import Item, Reply
from pytest_unicomp.engine.reply_log import ReplyLog
from pytest_unicomp.engine.reply_settings import attached_to, settings_of


def scored_in_passes(benchmark: ItemBenchmark, engine: Any, evaluation: Evaluation) -> Scored:
    """Score a benchmark `evaluation.replies` times, with other random numbers each time, and average each item's scores.

    An item's score is then partial credit: items, not replies, are the unit of the statistics. A benchmark that generates nothing is scored once.
    Raises InfrastructureError if a pass has other items than the first.
    """
    first = _pass(benchmark, engine, evaluation, 0)
    passes = [first]
    if first.generation:
        passes += [_pass(benchmark, engine, evaluation, number) for number in range(1, evaluation.replies)]
    by_pass = [{item.id: item for item in one.items} for one in passes]
    if any(one.keys() != by_pass[0].keys() for one in by_pass):
        raise InfrastructureError("unicomp: a pass over the benchmark has other items than the first; expected the same in each.")
    return replace(
        first,
        items=tuple(_averaged([one[item.id] for one in by_pass]) for item in first.items),
        unanswered=ceil(sum(one.unanswered for one in passes) / len(passes)),
        unjudged=ceil(sum(one.unjudged for one in passes) / len(passes)),
    )


def _pass(benchmark: ItemBenchmark, engine: Any, evaluation: Evaluation, number: int) -> Scored:
    settings, log = settings_of(engine.tokenizer, engine.path, evaluation, number), ReplyLog()
    with attached_to(engine.lm, settings, log):
        scored = benchmark.score(engine, evaluation)
    if not scored.generation:
        return scored
    items = tuple(_with_reply(item, log) for item in scored.items)
    return replace(scored, items=items, generation=settings.recorded(scored.generation))


def _with_reply(item: Item, log: ReplyLog) -> Item:
    found = log.take(item.prompt_digest, item.answer)
    return item if found is None else item.model_copy(update={"replies": [found.scored(item.score)]})


def _averaged(passes: Sequence[Item]) -> Item:
    """Return the first of an item's passes with the mean of the scores of all, None if one could not be given, and the replies of all.

    The mean of the others would hide it: judges fail on bad replies more often than on good ones.
    """
    if len(passes) == 1:
        return passes[0]
    scores = [item.score for item in passes]
    known = [score for score in scores if score is not None]
    replies: list[Reply] | None = None
    if all(item.replies for item in passes):
        replies = [reply for item in passes for reply in item.replies or []]
    return passes[0].model_copy(update={"score": sum(known) / len(known) if len(known) == len(scores) else None, "replies": replies})
