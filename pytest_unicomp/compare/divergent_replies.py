"""Where the replies of two models part: how many are the same to the end, and after how many words the others differ."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from pytest_unicomp.api.records import DivergentReplies
from pytest_unicomp.compare.comparability import Pair
from pytest_unicomp.compare.estimates import estimate


def divergent_replies(pairs: Sequence[Pair]) -> DivergentReplies | None:
    """Return it for generated texts; None if the items are answered by options, or no reply was kept.

    A word is what white space separates: replies are kept as texts, and two models may cut them into different tokens. The measure is that of
    OpenVINO's who_what_benchmark (first divergent token, share of divergent tokens), in words.
    """
    texts = [(before.answer.split(), after.answer.split()) for before, after in pairs if not before.log_probabilities and before.answer]
    if not texts:
        return None
    places = [(_first_difference(before, after), len(before)) for before, after in texts]
    parted = [place for place, _ in places if place is not None]
    same = estimate([float(place is None) for place, _ in places], rate=True)
    kept = [1.0 if place is None else place / max(words, 1) for place, words in places]
    return DivergentReplies(
        n=len(texts),
        same=same.value or 0.0,
        same_stderr=same.stderr,
        first_difference_median=float(median(parted)) if parted else None,
        kept_mean=sum(kept) / len(kept),
    )


def _first_difference(before: Sequence[str], after: Sequence[str]) -> int | None:
    """Return how many words agree before the first that differs; None if all do."""
    agree = next(
        (place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), min(len(before), len(after))
    )
    return None if agree == len(before) == len(after) else agree
