"""Divergence: how far a candidate's answer distributions are from the reference's, even if the chosen answers agree."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from pytest_unicomp.api.records import Divergence, Item
from pytest_unicomp.compare.comparability import Pair
from pytest_unicomp.compare.estimates import estimate

# The least probability of a bucket: rounding may leave 0, or less.
TINY = 1e-9


def divergence(pairs: Sequence[Pair]) -> Divergence | None:
    """Return mean KL(reference || candidate) in nats over the softmax of the options' log-probabilities, top-1 agreement and margin shrinkage.

    Margin shrinkage is the loss of the reference's chosen option's lead, in nats. Only items with the same number of options (at least two)
    on both sides count; None if there is none. Texts (items with `top_tokens`) are compared by their likeliest next tokens instead.
    Source: Kullback & Leibler 1951, Annals of Mathematical Statistics 22, 79-86; as a complement to accuracy: Dutta et al. 2024, arXiv 2407.09141.
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
    """Return the divergence of next-token distributions: the mean over a text's positions, then over texts, which are the sampling unit.

    Each token that both sides list is an outcome, all others share one bucket. Merging outcomes never enlarges a KL divergence (log-sum
    inequality: Cover & Thomas 2006, Elements of Information Theory, theorem 2.7.1), so this is a lower bound for the whole vocabulary.
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


def _lead(scores: Sequence[float], chosen: int) -> float:
    return scores[chosen] - max(score for place, score in enumerate(scores) if place != chosen)


def _options(item: Item) -> int:
    return len(item.log_probabilities or [])


def _log_softmax(values: Sequence[float]) -> list[float]:
    top = max(values)
    total = top + log(sum(exp(value - top) for value in values))
    return [value - total for value in values]
