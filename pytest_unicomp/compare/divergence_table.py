"""The table that llama.cpp prints of two models' distributions (`llama-perplexity --kl-divergence`), from the stored evidence; it informs alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Any

from pytest_unicomp.api.records import DivergenceTable
from pytest_unicomp.compare.comparability import Pair
from pytest_unicomp.compare.distributions import bucketed, kl, log_softmax
from pytest_unicomp.compare.estimates import estimate

# Of the percentiles that llama.cpp prints, those that serve KL and probability shifts alike.
PERCENTILES = (0.0, 1.0, 5.0, 10.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0)


@dataclass(frozen=True)
class _Row:
    """Two distributions: KL in both directions, the shift of the reference's first choice, and whether it is the candidate's too."""

    forward: float
    reverse: float
    shift: float
    same: bool


def divergence_table(pairs: Sequence[Pair]) -> DivergenceTable | None:
    """Return the table over the options of each item, or over the stored positions of each text; None if neither is known.

    A row of evidence is a pair of distributions as log-probabilities: over an item's options, or over the tokens that both sides list with one bucket
    for the rest, which makes each KL a lower bound. Shifts are candidate - reference of the probability of the reference's first choice.
    `perplexity_ratio` is exp of the mean difference of the texts' nats per token, with its standard error by the delta method.
    Source of the rows: llama.cpp, tools/perplexity/README.md; percentiles by linear interpolation between order statistics, as there.
    """
    rows = list(_rows(pairs))
    if not rows:
        return None
    import numpy as np

    forward, shifts = np.array([row.forward for row in rows]), np.array([row.shift for row in rows])
    texts = [(before.score or 0.0, after.score or 0.0) for before, after in pairs if before.top_tokens and after.top_tokens]
    ratio = estimate([after - before for before, after in texts])
    known = exp(ratio.value) if ratio.value is not None else None
    return DivergenceTable(
        over="tokens" if texts else "options",
        n=len(rows),
        kl_mean=float(forward.mean()),
        kl_percentiles=_percentiles(forward),
        kl_reverse_mean=sum(row.reverse for row in rows) / len(rows),
        shift_mean=float(shifts.mean()),
        shift_rms=sqrt(float((shifts**2).mean())),
        shift_percentiles=_percentiles(shifts),
        same_top=sum(row.same for row in rows) / len(rows),
        perplexity_ratio=known,
        perplexity_ratio_stderr=None if known is None or ratio.stderr is None else known * ratio.stderr,
    )


def _rows(pairs: Sequence[Pair]) -> Iterator[_Row]:
    texts = [pair for pair in pairs if pair[0].top_tokens and pair[1].top_tokens]
    for before, after in texts:
        for old, new in zip(before.top_tokens or [], after.top_tokens or [], strict=False):
            first, second = bucketed(dict(old), dict(new))
            chosen, log_probability = old[0]
            # A token that the candidate does not list is less likely than all that it lists, and counts as 0.
            now = exp(dict(new)[chosen]) if chosen in dict(new) else 0.0
            yield _Row(kl(first, second), kl(second, first), now - exp(log_probability), chosen == new[0][0])
    for before, after in pairs if not texts else []:
        if 2 <= len(before.log_probabilities or []) == len(after.log_probabilities or []):
            first, second = log_softmax(before.log_probabilities or []), log_softmax(after.log_probabilities or [])
            best = first.index(max(first))
            yield _Row(kl(first, second), kl(second, first), exp(second[best]) - exp(first[best]), best == second.index(max(second)))


def _percentiles(values: Any) -> dict[str, float]:
    import numpy as np

    return {f"{place:g}": float(value) for place, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)}
