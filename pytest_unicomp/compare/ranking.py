"""Compares recipes with each other on the same items, and ranks them: which are better, and which cannot be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Measurement, Ranked, Ranking, RecipePair
from pytest_unicomp.compare import stats, wording
from pytest_unicomp.compare.comparability import mismatch
from pytest_unicomp.compare.pairing import Comparison, compare, describe
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.config.margins import Margin

# Recipe -> benchmark -> its measurement.
Measured = Mapping[str, Mapping[str, Measurement]]
NO_LOSS = Margin("absolute", 0.0)
RATE = "rate"


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two recipes and their comparisons, one per benchmark of a capability; none if both are the same model, since any difference is noise then."""

    first: str
    second: str
    comparisons: Sequence[Comparison]

    @property
    def difference(self) -> float:
        """Return first - second, benchmarks weighted equally."""
        return sum(float(one.fields["difference"]) for one in self.comparisons) / max(1, len(self.comparisons))

    def bounded(self, alpha: float) -> stats.Bounded | None:
        """Return the difference with an interval that is two-sided at 1 - 2 alpha; None if the uncertainty on a benchmark cannot be estimated."""
        if not self.comparisons:
            return stats.Bounded(0.0, 0.0, 0.0)
        try:
            found = [comparison.difference(alpha=alpha, margin=NO_LOSS) for comparison in self.comparisons]
        except UnicompError:
            # One cluster, or one text: such a pair is shown, and never told apart.
            return None
        return stats.mover_mean([stats.Bounded(one.difference, one.lower, one.upper) for one in found])

    def better(self, alpha: float) -> str | None:
        """Return the recipe that is better by an interval at this level, None if the interval holds 0."""
        found = self.bounded(alpha)
        if found is None or found.lower <= 0 <= found.upper:
            return None
        return self.first if found.lower > 0 else self.second


@dataclass(frozen=True)
class _Contest:
    """The recipes that can be ranked in one capability (recipe -> benchmark -> measurement), their pairs, and why the others cannot be ranked."""

    measured: Measured
    left_out: Mapping[str, str]
    pairs: Sequence[_Pair]


def rankings(measured: Measured, *, policy: Policy) -> list[Ranking]:
    """Return one ranking per capability, unit and group of at least two recipes that can be compared; `measured` is recipe -> benchmark -> measurement.

    Recipes are compared pairwise on the same items: the mean of the benchmarks' paired differences, pooled by MOVER as a capability's verdict
    is. Holm's procedure over all pairs of all rankings keeps the probability of any wrong "better" at alpha (two-sided). It inverts intervals:
    a pair is told apart if its interval at the level that Holm asks for excludes 0. Sources: Holm 1979, Scandinavian Journal of Statistics 6,
    65-70; ranks from pairwise tests: Al Mohamad, Goeman & van Zwet 2022, Simultaneous confidence intervals for ranks, Biometrics 78, 238-247.
    """
    contests = [(key, contest) for key, own in _by_capability(measured).items() for contest in _contests(own)]
    told = _told_apart([pair for _, contest in contests for pair in contest.pairs if pair.comparisons], policy.alpha)
    return [_ranking(capability, unit, contest, told, policy) for (capability, unit), contest in contests]


def _by_capability(measured: Measured) -> dict[tuple[str, str], dict[str, dict[str, Measurement]]]:
    """Return capability and unit -> recipe -> benchmark -> measurement."""
    found: dict[tuple[str, str], dict[str, dict[str, Measurement]]] = {}
    for recipe, own in measured.items():
        for benchmark, measurement in own.items():
            unit = measurement.metric if measurement.metric in wording.UNITS else RATE
            found.setdefault((measurement.capability, unit), {}).setdefault(recipe, {})[benchmark] = measurement
    return found


def _contests(measured: Measured) -> list[_Contest]:
    """Return one contest per group of at least two recipes that were measured on the same benchmarks, each comparably to every other of its group."""
    groups: list[dict[str, Mapping[str, Measurement]]] = []
    for recipe, given in measured.items():
        own = dict(sorted(given.items()))
        group = next((one for one in groups if _why_not(recipe, own, one) is None), None)
        if group is None:
            groups.append({recipe: own})
        else:
            group[recipe] = own
    found = []
    for group in groups:
        why = {recipe: _why_not(recipe, own, group) for recipe, own in measured.items() if recipe not in group}
        left_out = {recipe: reason for recipe, reason in why.items() if reason is not None}
        found.append(_Contest(group, left_out, [_pair(one, other, group) for one, other in combinations(group, 2)]))
    return [contest for contest in found if len(contest.measured) > 1]


def _why_not(recipe: str, own: Mapping[str, Measurement], group: Measured) -> str | None:
    """Return why a recipe cannot be ranked beside the recipes of a group, or None."""
    for other, its in group.items():
        missing, more = ([name for name in one if name not in two] for one, two in ((sorted(its), own), (sorted(own), its)))
        if missing:
            return f"no scores on {', '.join(missing)}"
        if more:
            return f"scores on {', '.join(more)} too, which the others lack"
        for name in its:
            pair = (its[name], other), (own[name], recipe)
            for (first, first_name), (second, second_name) in (pair, pair[::-1]):
                differing = mismatch(first, second, names=(first_name, second_name))
                if differing:
                    return f"not comparable on {name}: {differing}"
    return None


def _pair(first: str, second: str, ranked: Measured) -> _Pair:
    one, other = ranked[first], ranked[second]
    same = all(one[name].same_model(other[name]) for name in one)
    return _Pair(first, second, [] if same else [_compared(other[name], one[name]) for name in one])


def _compared(before: Measurement, after: Measurement) -> Comparison:
    fields = describe(after, recipe="", family="none", gates=False, question="retention", margin=NO_LOSS, policy=Policy())
    return compare(before, after, fields)


def _told_apart(pairs: Sequence[_Pair], alpha: float) -> dict[_Pair, str]:
    """Return the better recipe of each pair that Holm's procedure tells apart."""
    left, told = list(pairs), {}
    while left:
        found = {pair: better for pair in left if (better := pair.better(alpha / (2 * len(left)))) is not None}
        if not found:
            break
        told.update(found)
        left = [pair for pair in left if pair not in found]
    return told


def _ranking(capability: str, unit: str, contest: _Contest, told: Mapping[_Pair, str], policy: Policy) -> Ranking:
    first = next(iter(contest.measured.values()))
    higher = unit == RATE or all(one.higher_is_better for one in first.values())
    values = {recipe: sum(map(_value, own.values())) / len(own) for recipe, own in contest.measured.items()}
    rows = [_row(pair, told.get(pair), policy) for pair in contest.pairs]
    return Ranking(
        capability=capability,
        dimension=next(iter(first.values())).dimension,
        unit=unit,
        higher_is_better=higher,
        benchmarks=list(first),
        n=sum(len(one.items) for one in first.values()),
        confidence=policy.confidence,
        error=policy.alpha,
        recipes=[
            Ranked(recipe=recipe, value=values[recipe], ranks=_ranks(recipe, rows, len(values)))
            for recipe in sorted(values, key=lambda recipe: (-values[recipe] if higher else values[recipe], recipe))
        ],
        pairs=rows,
        left_out=dict(contest.left_out),
    )


def _value(measurement: Measurement) -> float:
    """Return the mean score; a rate of which less is better is turned, so that rates of one capability can be averaged."""
    value = measurement.value or 0.0
    turned = measurement.metric not in wording.UNITS and not measurement.higher_is_better
    return 1 - value if turned else value


def _row(pair: _Pair, better: str | None, policy: Policy) -> RecipePair:
    found = pair.bounded(policy.alpha)
    interval = None if found is None else (found.lower, found.upper)
    return RecipePair(first=pair.first, second=pair.second, difference=pair.difference, interval=interval, better=better)


def _ranks(recipe: str, pairs: Sequence[RecipePair], recipes: int) -> tuple[int, int]:
    own = [pair for pair in pairs if recipe in (pair.first, pair.second) and pair.better is not None]
    above = sum(pair.better != recipe for pair in own)
    return 1 + above, recipes - (len(own) - above)
