"""Sequential non-inferiority test (early stopping): two betting tests after every item, then an ordinary interval on the full set."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil, exp, log
from typing import TYPE_CHECKING, Any, Literal

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare.stats.betting import log_capital
from pytest_unicomp.compare.stats.paired import Paired, agreeing, paired_difference
from pytest_unicomp.compare.stats.power import implied_stderr

if TYPE_CHECKING:
    import numpy as np

# Share of alpha spent while items arrive; the rest is for the full set (80 to 20 needs the fewest items: docs/error-rates.md).
EARLY_SHARE = 0.8
_STEPS = 30


@dataclass(frozen=True)
class Sequential:
    """The decision after the first `items`. `found` None: evaluate more. `final`: no early decision, so the full set was tested.

    `found.margin` is the mean allowance of these items.
    """

    verdict: Literal["pass", "fail"] | None
    items: int
    final: bool
    found: Paired | None


def sequential_difference(
    reference: Sequence[float],
    candidate: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    alpha: float,
    total: int,
    allowances: Sequence[float],
    allowed: tuple[float, float],
    largest_cluster: int | None = None,
    share: float = EARLY_SHARE,
) -> Sequential:
    """Test the first items of a planned set of `total`, in an order fixed before any score was seen; may be called after every item.

    Scores lie in [0, 1], larger is better; `allowances` are the losses allowed per item, each within `allowed`. Pass when the capital against
    "mean difference <= -allowance" reaches 1 / (share x alpha), fail when that against ">=" does, whichever comes first. If all items
    leave both below, the ordinary interval at (1 - share) x alpha decides. By Ville's inequality and the union bound each kind of error has
    probability at most alpha. Items of a cluster must be adjacent: the bets are on whole clusters, so the last cluster must be complete, and
    `largest_cluster` is the size of the largest in the whole set (default: of those given). The interval of an early stop is the betting
    confidence sequence, so that it agrees with the verdict. Raises UnicompError for unpaired, empty, unordered or too many scores.
    """
    n = len(reference)
    if not n == len(candidate) == len(allowances) or not 1 <= n <= total:
        raise UnicompError(
            f"unicomp: {n} reference, {len(candidate)} candidate scores of {total}; expected pairs, at least 1, at most all."
        )
    if any(not 0 <= score <= 1 for score in (*reference, *candidate)):
        raise UnicompError("unicomp: early stopping needs scores in [0, 1]; evaluate all items.")
    units = _Units.of([new - old for old, new in zip(reference, candidate, strict=True)], allowances, clusters, largest_cluster)
    threshold = -log(share * alpha)
    paths = units.path("pass", allowed), units.path("fail", allowed)
    first = [crossing(path, threshold) for path in paths]
    if any(first):
        passed = first[0] != 0 and (first[1] == 0 or first[0] <= first[1])
        stop = first[0] if passed else first[1]
        found = _early(units.until(stop), allowed, alpha, share, float(paths[1][:stop].max()))
        return Sequential("pass" if passed else "fail", units.ends[stop - 1], False, found)
    if n < total:
        return Sequential(None, n, False, None)
    found = paired_difference(reference, candidate, clusters, alpha=(1 - share) * alpha, allowances=allowances)
    verdict: Literal["pass", "fail"] | None = "pass" if found.lower > -found.margin else "fail" if found.upper < -found.margin else None
    return Sequential(verdict, n, True, found)


def crossing(path: Any, threshold: float) -> int:
    """Return after how many items a path first reaches the threshold, or 0 if it never does."""
    hits = (path >= threshold).nonzero()[0]
    return int(hits[0]) + 1 if len(hits) else 0


def capital_paths(differences: Any, allowances: Any, allowed: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the log capital for pass and for fail; items on the last axis, replicates (for simulation) on the others."""
    return _path("pass", differences, allowances, allowed), _path("fail", differences, allowances, allowed)


def _path(kind: Literal["pass", "fail"], differences: Any, allowances: Any, allowed: tuple[float, float]) -> np.ndarray:
    """Return the log capital against mean(difference + allowance) <= 0 (pass, planned for no drop) or >= 0 (fail, planned for a drop of twice the allowance)."""
    smallest, largest = allowed
    middle = (smallest + largest) / 2
    if kind == "pass":
        return log_capital(differences, allowances, lowest=smallest - 1, planned=0.0, prior_allowance=middle)
    planned = min(max(2 * middle, 0.0), 0.5)
    return log_capital(-differences, -allowances, lowest=-largest - 1, planned=planned, prior_allowance=-middle)


@dataclass(frozen=True)
class _Units:
    """Betting units (items or clusters): sums over each unit divided by the size of the largest; `ends` counts the items up to each unit's end."""

    differences: np.ndarray
    allowances: np.ndarray
    sizes: np.ndarray
    ends: list[int]

    @classmethod
    def of(
        cls, differences: Sequence[float], allowances: Sequence[float], clusters: Sequence[Hashable] | None, largest: int | None
    ) -> _Units:
        import numpy as np

        n = len(differences)
        starts = [0] if clusters is not None else list(range(n))
        if clusters is not None:
            starts += [place for place in range(1, n) if clusters[place] != clusters[place - 1]]
            if len(starts) != len(set(clusters)):
                raise UnicompError("unicomp: the items of a cluster are not adjacent; early stopping expects them one after the other.")
        ends = [*starts[1:], n]
        counts = np.diff([0, *ends])
        scale = max(largest or 0, int(counts.max()))
        summed, allowed = (np.add.reduceat(np.asarray(values), starts) / scale for values in (differences, allowances))
        return cls(summed, allowed, counts / scale, ends)

    def until(self, stop: int) -> _Units:
        return _Units(self.differences[:stop], self.allowances[:stop], self.sizes[:stop], self.ends[:stop])

    def path(self, kind: Literal["pass", "fail"], allowed: tuple[float, float], shift: float = 0.0) -> np.ndarray:
        smallest, largest = allowed
        if (self.sizes < 1).any():
            # A unit smaller than the largest pays a share of it, so the bounds must include 0.
            smallest, largest = min(smallest, 0.0), max(largest, 0.0)
        moved = self.allowances - shift * self.sizes
        return _path(kind, self.differences, moved, (smallest - shift, largest - shift))


def _early(units: _Units, allowed: tuple[float, float], alpha: float, share: float, against_keeping: float) -> Paired:
    """Return the betting confidence sequence at the stop, two-sided at 1 - 2 share alpha: every shift that neither capital has rejected."""
    threshold = -log(share * alpha)
    whole = float(units.sizes.sum())
    difference, margin = float(units.differences.sum()) / whole, float(units.allowances.sum()) / whole

    def refuted(kind: Literal["pass", "fail"], shift: float) -> bool:
        return bool((units.path(kind, allowed, shift) >= threshold).any())

    lower = _edge(lambda shift: refuted("pass", shift), -1 + margin, difference + margin)
    upper = _edge(lambda shift: refuted("fail", shift), 1 + margin, difference + margin)
    lower, upper = min(lower - margin, difference), max(upper - margin, difference)
    p_value = agreeing(min(1.0, exp(-against_keeping) / share), alpha, upper < -margin)
    method = f"betting confidence sequence, {ceil(len(units.ends))} steps"
    return Paired(difference, implied_stderr(lower, upper, alpha=alpha), lower, upper, p_value, method, margin)


def _edge(refuted: Any, outer: float, inner: float) -> float:
    """Return the last rejected shift between `outer` and the estimate, by bisection; 0 is tried first, so that interval and verdict agree."""
    low = 0.0 if min(outer, inner) < 0 < max(outer, inner) and refuted(0.0) else outer
    high = inner
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low
