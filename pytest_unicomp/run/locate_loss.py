"""Finds the decoder blocks that carry a loss: puts the reference's weights back into the candidate, part by part, and measures the lost items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, cast

from pytest_unicomp.api.errors import UnicompError, UsageProblem
from pytest_unicomp.api.protocols import Benchmark, Evaluation, ItemBenchmark, Progress
from pytest_unicomp.api.records import Item, LocatedLoss, LossPart, Measurement
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.compare import NATS, located_loss
from pytest_unicomp.engine import model_parts
from pytest_unicomp.engine.swapped_weights import weights_from
from pytest_unicomp.methods.decoder import block_list
from pytest_unicomp.run.reply_passes import scored_in_passes

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

Unit = Literal["lead", "reply", "text"]
# Blocks are measured one by one if so many passes suffice; else in groups, and then one by one in the groups that carry the loss.
LEAST_PASSES = 8


@dataclass(frozen=True)
class Loss:
    """The items of one benchmark that a candidate lost, as the reference answered them, and how they are evaluated; `table` has the benchmark."""

    recipe: str
    capability: str
    benchmark: str
    items: Sequence[Item]
    unit: Unit
    evaluation: Evaluation
    table: Mapping[str, Benchmark] = field(default_factory=benchmarks, repr=False)

    @property
    def clusters(self) -> list[str] | None:
        """Each item's cluster; None if no item has one."""
        named = [item.cluster for item in self.items]
        return (
            None
            if all(name is None for name in named)
            else [name or f"item {item.id}" for name, item in zip(named, self.items, strict=True)]
        )


def lost_items(reference: Measurement, candidate: Measurement, *, most: int) -> list[Item]:
    """Return the reference's items that the candidate scores worse, largest loss first, at most so many; of equal ones those with the first ids."""
    sign = 1 if reference.higher_is_better else -1
    after = {item.id: item.score for item in candidate.items}
    drops = {
        item.id: sign * (item.score - score)
        for item in reference.items
        if item.score is not None and (score := after.get(item.id)) is not None
    }
    lost = sorted((item for item in reference.items if drops.get(item.id, 0) > 0), key=lambda item: (-drops[item.id], item.id))
    return lost[:most]


def unit_of(reference: Measurement) -> Unit:
    """Return the quantity that is compared per item of a measurement: the lead of an option, the likelihood of a reply, or that of a text."""
    if reference.metric == NATS:
        return "text"
    return "lead" if any(item.log_probabilities for item in reference.items) else "reply"


def locate(loss: Loss, reference: Engine, candidate: Engine, *, passes: int, alpha: float, progress: Progress) -> LocatedLoss:
    """Measure the lost items with the reference, with the candidate, and with each part of the reference's weights in the candidate.

    At most `passes` (LEAST_PASSES or more) evaluations of the items are made. Raises UsageProblem if the two models do not have the same parts,
    UnicompError if nothing is lost on these items.
    """
    if passes < LEAST_PASSES:
        raise UsageProblem(f"unicomp: --passes is {passes}; expected at least {LEAST_PASSES}.")
    search = _Search(loss, reference, candidate, progress)
    prefix, blocks = search.blocks()
    before, after = search.measured("the reference", reference), search.measured("the candidate", candidate)
    left = passes - 2
    names = [name for name, _ in reference.model.named_parameters()]
    restored = search.restored(model_parts.outside(names, prefix))
    left -= len(restored)
    groups = left if blocks <= left else left // 2
    found = search.restored(model_parts.grouped(names, prefix, range(blocks), groups))
    left -= len(found)
    for place in sorted(range(len(found)), key=lambda place: -sum(list(found.values())[place])):
        own = model_parts.members(range(blocks), groups, place)
        if not 1 < len(own) <= left:
            break
        found |= search.restored(model_parts.grouped(names, prefix, own, len(own)))
        left -= len(own)
    restored |= found
    lost, interval = located_loss.loss(before, after, loss.clusters, alpha=alpha)
    parts: list[LossPart] = located_loss.parts_of_loss(before, after, restored, loss.clusters, alpha=alpha)
    return LocatedLoss(
        recipe=loss.recipe,
        capability=loss.capability,
        benchmark=loss.benchmark,
        n=len(loss.items),
        unit=loss.unit,
        confidence=1 - 2 * alpha,
        lost=lost,
        lost_interval=interval,
        parts=parts,
        carried_by=located_loss.carried_by(restored, loss.clusters, alpha=alpha),
    )


@dataclass(frozen=True)
class _Search:
    loss: Loss
    reference: Engine
    candidate: Engine
    progress: Progress

    def blocks(self) -> tuple[str, int]:
        """Return the name and the length of the list of decoder blocks; raise UsageProblem if the two models do not share it."""
        found = [(name, len(blocks)) for name, blocks in (block_list(engine.model) for engine in (self.reference, self.candidate))]
        if found[0] != found[1]:
            raise UsageProblem(
                f"unicomp: {self.loss.recipe} has {found[1][1]} decoder blocks in {found[1][0]} and the reference {found[0][1]} in {found[0][0]}, so "
                "its blocks have no counterpart; a loss is located only in a candidate of the reference's own shape."
            )
        return found[0]

    def restored(self, parts: model_parts.Parts) -> dict[str, list[float]]:
        """Return the likelihoods of the items with each part of the reference in the candidate."""
        found = {}
        for part, names in parts.items():
            try:
                with weights_from(self.reference.model, self.candidate.model, names):
                    found[part] = self.measured(part, self.candidate)
            except UnicompError as error:
                raise UsageProblem(
                    f"{error} A loss is located only in a candidate of the reference's own shape, not in one that is distilled or pruned to another."
                ) from error
        return found

    def measured(self, what: str, engine: Engine) -> list[float]:
        """Return the items' likelihoods in nats, larger is better."""
        self.progress(what)
        loss = self.loss
        if loss.unit == "reply":
            return _replies(engine, loss.items)
        benchmark = cast("ItemBenchmark", loss.table[loss.benchmark])
        only = frozenset(item.id for item in loss.items)
        # Of the options for generation those of the chat template alone matter here: nothing is generated.
        evaluation = replace(loss.evaluation, only=only, replies=1, max_gen_toks=(), sampling="benchmark")
        scored = scored_in_passes(benchmark, engine, evaluation)
        known = {item.id: item for item in scored.items}
        if any(item.id not in known or known[item.id].prompt_digest != item.prompt_digest for item in loss.items):
            raise UsageProblem(
                f"unicomp: the prompts of {loss.benchmark} are not those of the report any more; give the --bundle of that run, or run it again."
            )
        if loss.unit == "text":
            return [-(known[item.id].score or 0.0) for item in loss.items]
        return [_lead(item, known[item.id]) for item in loss.items]


def _replies(engine: Engine, items: Sequence[Item]) -> list[float]:
    """Return the log-likelihood per token of the reference's reply to each item."""
    from lm_eval.api.instance import Instance

    requests = [Instance("loglikelihood", {}, (item.prompt, item.answer), place) for place, item in enumerate(items)]
    lengths = [len(engine.tokenizer(item.answer, add_special_tokens=False)["input_ids"]) for item in items]
    answers = engine.lm.loglikelihood(requests, disable_tqdm=True)
    return [value / max(1, length) for (value, _), length in zip(answers, lengths, strict=True)]


def _lead(reference: Item, item: Item) -> float:
    """Return by how many nats the option that the reference chooses leads the best other option."""
    known, here = reference.log_probabilities or [], item.log_probabilities or []
    chosen = known.index(max(known))
    return here[chosen] - max(value for place, value in enumerate(here) if place != chosen)
