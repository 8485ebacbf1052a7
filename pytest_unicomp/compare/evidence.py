"""What changed item by item, beside the averages: flips with examples, and the distance between answer distributions."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import Literal

from pytest_unicomp.api.records import Check, Divergence, Estimate, Example, Flips, Item, Measurement
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.comparability import Pair
from pytest_unicomp.store.baselines import condense

Kind = Literal["lost", "gained", "changed"]
EXAMPLES = 8
EXAMPLE_CHARACTERS = 600
# What rounding leaves of a bucket that holds nothing.
TINY = 1e-9


def kinds(pairs: Sequence[Pair], candidate: Measurement) -> list[tuple[Kind, Pair]] | None:
    """Return the flipped pairs with their kind, lost first, then by id; None where scores are not all 0 or 1."""
    if any(item.score not in (0, 1) for pair in pairs for item in pair) or candidate.metric == "nats_per_token":
        return None
    right = 1 if candidate.higher_is_better else 0
    short = shortened(candidate)
    found: list[tuple[Kind, Pair]] = []
    for before, after in pairs:
        if before.score != after.score:
            found.append(("lost" if before.score == right else "gained", (before, after)))
        elif before.score != right and not same_answer(before, after, short):
            found.append(("changed", (before, after)))
    order: tuple[Kind, ...] = ("lost", "gained", "changed")
    return sorted(found, key=lambda entry: (order.index(entry[0]), entry[1][0].id))


def shortened(measurement: Measurement) -> dict[str, str]:
    """Return the answers by id as stored evidence keeps them: long ones cut, with a digest."""
    return {item.id: item.answer for item in condense(measurement).items}


def same_answer(before: Item, after: Item, short: dict[str, str]) -> bool:
    """Say whether two answers are equal, also where the first was stored shortened."""
    return before.answer in (after.answer, short[after.id])


def flips(found: Sequence[tuple[Kind, Pair]]) -> Flips:
    """Count the flips by kind."""
    names = [kind for kind, _ in found]
    return Flips(lost=names.count("lost"), gained=names.count("gained"), changed=names.count("changed"))


def with_floor(check: Check, earlier: Measurement, reference: Measurement) -> Check:
    """Add to a check's flips how many items the reference flips against its own evidence of an earlier run, put under the same conditions."""
    same = earlier.conditions.model_copy(update={"limit": reference.conditions.limit}) == reference.conditions
    before = {(item.id, item.prompt_digest): item.score for item in earlier.items}
    shared = [(before[item.id, item.prompt_digest], item.score) for item in reference.items if (item.id, item.prompt_digest) in before]
    if check.flips is None or not same or not shared:
        return check
    floor = sum(old != new for old, new in shared) / len(shared)
    return check.model_copy(update={"flips": check.flips.model_copy(update={"floor": floor})})


def discordance(pairs: Sequence[Pair]) -> float:
    """Return the share of items whose score differs, in [0, 1]."""
    return sum(before.score != after.score for before, after in pairs) / len(pairs)


def examples(found: Sequence[tuple[Kind, Pair]]) -> list[Example]:
    """Return the first EXAMPLES flips with their texts, each cut to EXAMPLE_CHARACTERS."""
    return [
        Example(
            id=after.id,
            prompt=_cut(after.prompt or before.prompt),
            target=_cut(after.target or before.target),
            reference_answer=_cut(before.answer),
            candidate_answer=_cut(after.answer),
            kind=kind,
        )
        for kind, (before, after) in found[:EXAMPLES]
    ]


def _cut(text: str) -> str:
    return text if len(text) <= EXAMPLE_CHARACTERS else f"{text[: EXAMPLE_CHARACTERS - 1]}…"


def divergence(pairs: Sequence[Pair]) -> Divergence | None:
    """Return mean KL(reference || candidate) in nats over the softmax of the options' log-probabilities, top-1 agreement and margin shrinkage.

    Only items with the same two or more options on both sides count; None where there is none. Texts are compared by their likeliest next tokens.
    Source: Kullback & Leibler 1951, Annals of Mathematical Statistics 22, 79-86; as a distance beside accuracy: Dutta et al. 2024, arXiv 2407.09141.
    """
    texts = [(before, after) for before, after in pairs if before.top_tokens and after.top_tokens]
    if texts:
        return _over_tokens(texts)
    known = [(before, after) for before, after in pairs if _options(before) >= 2 and _options(before) == _options(after)]
    if not known:
        return None
    distances, agreements, shrinkages = [], [], []
    for before, after in known:
        first, second = _log_softmax(before.log_probabilities or []), _log_softmax(after.log_probabilities or [])
        distances.append(max(0.0, sum(exp(one) * (one - other) for one, other in zip(first, second, strict=True))))
        chosen = first.index(max(first))
        agreements.append(float(chosen == second.index(max(second))))
        shrinkages.append(_lead(first, chosen) - _lead(second, chosen))
    distance, agreement, shrinkage = estimate(distances), estimate(agreements, rate=True), estimate(shrinkages)
    return Divergence(
        kl_mean=sum(distances) / len(distances),
        kl_stderr=distance.stderr,
        top1_agreement=sum(agreements) / len(agreements),
        top1_stderr=agreement.stderr,
        margin_shrinkage=shrinkage.value,
        margin_shrinkage_stderr=shrinkage.stderr,
    )


def _over_tokens(pairs: Sequence[Pair]) -> Divergence:
    """Return the divergence of next-token distributions, mean over the positions of each text and then over texts, which are the unit of the errors.

    Tokens that both sides list are told apart, all others are one bucket. Merging outcomes never enlarges a KL divergence (log-sum inequality:
    Cover & Thomas 2006, Elements of Information Theory, theorem 2.7.1), so this is a lower bound of the divergence over the vocabulary.
    """
    distances, agreements = [], []
    for before, after in pairs:
        places = list(zip(before.top_tokens or [], after.top_tokens or [], strict=False))
        distances.append(sum(_bucketed(dict(old), dict(new)) for old, new in places) / len(places))
        agreements.append(sum(old[0][0] == new[0][0] for old, new in places) / len(places))
    distance, agreement = estimate(distances), estimate(agreements, rate=True)
    return Divergence(
        over="tokens",
        kl_mean=distance.value or 0.0,
        kl_stderr=distance.stderr,
        top1_agreement=agreement.value or 0.0,
        top1_stderr=agreement.stderr,
    )


def _bucketed(old: dict[int, float], new: dict[int, float]) -> float:
    shared = old.keys() & new.keys()
    parts = [(exp(old[token]), exp(new[token])) for token in shared]
    rest = (max(1 - sum(one for one, _ in parts), TINY), max(1 - sum(other for _, other in parts), TINY))
    return max(0.0, sum(one * log(max(one, TINY) / max(other, TINY)) for one, other in [*parts, rest]))


def estimate(scores: Sequence[float], *, rate: bool = False) -> Estimate:
    """Return the mean of at least one score with its standard error (None for one alone); a `rate` of 0 or 100 % is not certain either."""
    if len(scores) < 2:
        return Estimate(value=scores[0])
    if rate and len(set(scores)) == 1 and scores[0] in (0, 1):
        return Estimate(value=scores[0], stderr=stats.extreme_rate_stderr(len(scores)))
    found = stats.mean(scores)
    return Estimate(value=found.value, stderr=found.stderr)


def _lead(scores: Sequence[float], chosen: int) -> float:
    return scores[chosen] - max(score for place, score in enumerate(scores) if place != chosen)


def _options(item: Item) -> int:
    return len(item.log_probabilities or [])


def _log_softmax(values: Sequence[float]) -> list[float]:
    top = max(values)
    total = top + log(sum(exp(value - top) for value in values))
    return [value - total for value in values]
