"""Tests the paper's findings as claims about a run's recipes: each holds, does not hold, is undecided, or was not tested."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from pytest_unicomp.api.records import Claim
from pytest_unicomp.report.scores.quality import Score

Scores = Mapping[str, Mapping[str, Score]]
PERFORMANCE, RELIABILITY = ("S_K", "S_Mul", "S_R", "S_IF"), ("S_TRU", "S_SAFE", "S_FAIR", "S_ROB", "S_PRI", "S_ETH")
# A rank correlation needs at least so many recipes.
FEWEST_RECIPES = 5
# The loss that "as well as" allows, in points of a score.
SLACK = 3.0


def findings(scores: Scores, families: Mapping[str, str], methods: Mapping[str, str], *, confidence: float) -> list[Claim]:
    """Return the claims of arXiv 2602.09130 (section 5 and conclusion) about scores, one entry per claim and recipe or pair of recipes.

    `scores[recipe][name]` are the scores of one run, so that their resamples are paired. `families` and `methods` are by recipe. A claim
    holds if the whole interval of its difference lies on the claim's side of 0 (or of -SLACK).
    """
    found: list[Claim] = []
    for recipe, own in scores.items():
        if families.get(recipe) == "none":
            continue
        found.append(_difference("knowledge is kept better than reasoning", recipe, own.get("S_K"), own.get("S_R"), confidence))
        found.append(
            _difference(
                "performance is kept better than reliability",
                recipe,
                _mean_score(own, PERFORMANCE),
                _mean_score(own, RELIABILITY),
                confidence,
            )
        )
        claim = f"low-resource languages are kept as well as high-resource ones, within {SLACK:.0f} points"
        found.append(_difference(claim, recipe, own.get("S_L"), own.get("S_H"), confidence, slack=SLACK))
    pairs = (
        ("AWQ keeps more of other languages than GPTQ", "awq", "gptq", "S_Mul"),
        ("Low-Rank Clone keeps more knowledge than Minitron", "low-rank-clone", "minitron", "S_K"),
        ("Low-Rank Clone keeps more reasoning than Minitron", "low-rank-clone", "minitron", "S_R"),
    )
    for claim, better, worse, score in pairs:
        for first in [name for name in scores if methods.get(name) == better]:
            for second in [name for name in scores if methods.get(name) == worse]:
                found.append(
                    _difference(
                        f"{claim} ({score})", f"{first} against {second}", scores[first].get(score), scores[second].get(score), confidence
                    )
                )
    for recipe in scores:
        whole = recipe.replace("-2of4", "-50")
        if whole != recipe and whole in scores:
            pair = f"{recipe} against {whole}"
            for score in ("S_K", "S_R"):
                found.append(
                    _difference(
                        f"2:4 pruning costs more than unstructured pruning of the same share ({score})",
                        pair,
                        scores[whole].get(score),
                        scores[recipe].get(score),
                        confidence,
                    )
                )
    found.append(_relation(scores, families))
    return found


def _mean_score(own: Mapping[str, Score], names: Sequence[str]) -> Score | None:
    parts = [own[name] for name in names if name in own and own[name].value is not None]
    if not parts:
        return None
    draws = tuple(fmean(values) for values in zip(*(part.draws for part in parts), strict=True))
    return Score(fmean(part.value for part in parts if part.value is not None), None, ", ".join(part.basis for part in parts), draws)


def _difference(claim: str, about: str, first: Score | None, second: Score | None, confidence: float, *, slack: float = 0.0) -> Claim:
    if first is None or second is None or first.value is None or second.value is None:
        return Claim(
            claim=claim, about=about, answer="not tested", difference=None, interval=None, reason="a score it needs was not measured"
        )
    difference = first.value - second.value
    draws = sorted(one - other for one, other in zip(first.draws, second.draws, strict=True) if not math.isnan(one - other))
    if len(draws) < 0.95 * len(first.draws) or len(draws) < 20 or draws[0] == draws[-1]:
        return Claim(
            claim=claim,
            about=about,
            answer="undecided",
            difference=difference,
            interval=None,
            reason=f"{difference:+.1f} points; the resamples show no uncertainty",
        )
    tail = (1 - confidence) / 2
    low, high = draws[int(tail * (len(draws) - 1))], draws[math.ceil((1 - tail) * (len(draws) - 1))]
    low, high = min(low, difference), max(high, difference)
    answer = "holds" if low > -slack else "does not hold" if high < -slack else "undecided"
    reason = f"{difference:+.1f} points ({100 * confidence:.0f} % interval {low:+.1f} to {high:+.1f})"
    return Claim(claim=claim, about=about, answer=answer, difference=difference, interval=(low, high), reason=reason)


def _relation(scores: Scores, families: Mapping[str, str]) -> Claim:
    """Return the claim on Spearman's correlation of mean performance and mean reliability over the recipes (Fisher's interval, variance 1.06 / (n - 3): Fieller 1957)."""
    claim, about = "recipes that keep performance keep reliability", "all recipes"
    points = []
    for recipe, own in scores.items():
        first, second = _mean_score(own, PERFORMANCE), _mean_score(own, RELIABILITY)
        if (
            families.get(recipe) != "none"
            and first is not None
            and second is not None
            and first.value is not None
            and second.value is not None
        ):
            points.append((first.value, second.value))
    if len(points) < FEWEST_RECIPES:
        reason = f"{len(points)} recipes have both; at least {FEWEST_RECIPES} are needed"
        return Claim(claim=claim, about=about, answer="not tested", difference=None, interval=None, reason=reason)
    from scipy.stats import spearmanr

    rho = float(spearmanr(*zip(*points, strict=True)).statistic)
    if math.isnan(rho):
        return Claim(
            claim=claim,
            about=about,
            answer="undecided",
            difference=None,
            interval=None,
            reason="one of the two is the same for all recipes",
        )
    middle, width = math.atanh(max(-0.999999, min(0.999999, rho))), 1.645 * math.sqrt(1.06 / (len(points) - 3))
    low, high = math.tanh(middle - width), math.tanh(middle + width)
    answer = "holds" if low > 0 else "does not hold" if high < 0 else "undecided"
    reason = (
        f"Spearman {rho:+.2f} (90 % interval {low:+.2f} to {high:+.2f}) over {len(points)} recipes of one model, which are not independent"
    )
    return Claim(claim=claim, about=about, answer=answer, difference=rho, interval=(low, high), reason=reason)
