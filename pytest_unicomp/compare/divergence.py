"""Divergence: how far a candidate's answer distributions are from the reference's, even if the chosen answers agree."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.records import Divergence, Item
from pytest_unicomp.compare.comparability import Pair
from pytest_unicomp.compare.distributions import bucketed, kl, log_softmax
from pytest_unicomp.compare.estimates import estimate


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
        first, second = log_softmax(before.log_probabilities or []), log_softmax(after.log_probabilities or [])
        distances.append(kl(first, second))
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

    Each token that both sides list is an outcome, all others share one bucket: a lower bound for the whole vocabulary.
    """
    distances, agreements = [], []
    for before, after in pairs:
        places = list(zip(before.top_tokens or [], after.top_tokens or [], strict=False))
        distances.append(sum(kl(*bucketed(dict(old), dict(new))) for old, new in places) / len(places))
        agreements.append(sum(old[0][0] == new[0][0] for old, new in places) / len(places))
    distance, agreement = estimate(distances), estimate(agreements, rate=True)
    return Divergence(
        over="tokens",
        kl_mean=distance.value or 0.0,
        kl_stderr=distance.stderr,
        top1_agreement=agreement.value or 0.0,
        top1_stderr=agreement.stderr,
    )


def _lead(scores: Sequence[float], chosen: int) -> float:
    return scores[chosen] - max(score for place, score in enumerate(scores) if place != chosen)


def _options(item: Item) -> int:
    return len(item.log_probabilities or [])
