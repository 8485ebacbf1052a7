"""Prior evidence for the power analysis: from stored baselines, how many items a cell has, how many of them flip, and how long they take."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.api.benchmark import Benchmark, Evaluation, ItemBenchmark
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Measurement
from pytest_unicomp.api.registry import Table, benchmarks
from pytest_unicomp.benchmarks.items import select
from pytest_unicomp.compare.comparability import paired
from pytest_unicomp.compare.expected import design_effect, discordance, spread
from pytest_unicomp.compare.wording import NATS, UNITS
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.store.baselines import Baselines

# The share that 4-bit rounding of models with 1 to 8 billion parameters typically flips; used, and reported as assumed, if nothing was measured.
ASSUMED_DISCORDANCE = 0.05


@dataclass(frozen=True)
class PriorEvidence:
    """The facts known about a cell before it is measured; None if unknown, with the reason in `source`.

    `design_effect` is that of its clusters; `spread` is the standard deviation of an item's difference, for scores that are not right or wrong.
    """

    items: int | None
    discordance: float | None
    source: str
    design_effect: float
    spread: float | None
    reference: float | None
    seconds: float | None
    seconds_source: str
    metric: str = ""

    @property
    def variance(self) -> float | None:
        """The variance of one item's difference; for right-or-wrong scores without a drop it is their discordance."""
        return self.discordance if self.spread is None else self.spread**2


def prior_evidence(
    cell: Cell,
    baselines: Baselines,
    model: str,
    *,
    limit: int | None,
    discordance: float | None,
    evaluation: Evaluation | None = None,
    table: Table[Benchmark] | None = None,
) -> PriorEvidence:
    """Return the prior evidence from baselines of the recipe and the reference; `discordance` (in [0, 1]) replaces theirs.

    `evaluation` lets a benchmark that comes with its data, such as a user's own file, count its items; `table` holds the benchmarks of the run
    (None: the registry's).
    """
    entry = (benchmarks() if table is None else table).entries.get(cell.benchmark)
    metric = entry.metric if entry else ""
    if cell.kind != "items":
        return PriorEvidence(None, None, f"{cell.kind} is not a share of items", 1.0, None, None, None, "unknown before the run", metric)
    reference, candidate = (_stored(baselines, model, recipe, cell.benchmark) for recipe in ("dense", cell.recipe))
    timed = candidate or reference
    whole = _size_of_set(entry, None if timed else evaluation)
    items = limit if whole is None else min(limit or whole, whole)
    if timed is not None and (timed.conditions.limit is None or timed.n < timed.conditions.limit):
        # The evidence covers the whole set, so its items are all there are.
        items = min(limit or timed.n, timed.n)
    seconds = timed.seconds / timed.n * items if timed and timed.n and items else None
    timed_on = f"{timed.n} items on {timed.machine}" if timed else "never timed: no stored evidence of this benchmark"
    share, source, effect, spread = _measured(reference, candidate, items, evaluation.seed if evaluation else 0)
    if discordance is not None:
        share, source = discordance, "given"
    elif share is None and spread is None and (timed is None or timed.metric != NATS):
        share, source = ASSUMED_DISCORDANCE, "assumed: no stored evidence of this recipe and the reference on the same items"
    return PriorEvidence(items, share, source, effect, spread, reference.value if reference else None, seconds, timed_on, metric)


def _size_of_set(entry: Benchmark | None, evaluation: Evaluation | None) -> int | None:
    """Return how many items a benchmark has, if it knows that without fetching anything."""
    if not isinstance(entry, ItemBenchmark):
        return None
    if entry.items is not None or evaluation is None or entry.pieces():
        return entry.items
    return sum(1 for _ in entry.questions(evaluation)) or None


def _stored(baselines: Baselines, model: str, recipe: str, benchmark: str) -> Measurement | None:
    try:
        return baselines.read(model, recipe, benchmark)
    except UnicompError:
        return None


def _measured(
    reference: Measurement | None, candidate: Measurement | None, items: int | None, seed: int
) -> tuple[float | None, str, float, float | None]:
    """Return discordance, source, design effect and spread. Half a flip is added, so that a share of 0 is never assumed.

    The design effect is that of the `items` (None: all) which a run with this seed takes: fewer items share fewer clusters.
    """
    if reference is None or candidate is None or reference is candidate:
        return None, "no evidence", 1.0, None
    ids = {item.id for item in reference.items}
    if not candidate.items or any(item.id not in ids for item in candidate.items):
        return None, "no evidence", 1.0, None
    pairs = paired(reference, candidate)
    if len(pairs) < 2:
        return None, "no evidence", 1.0, None
    flips = sum(before.score != after.score for before, after in pairs)
    taken = set(select((after.id for _, after in pairs), limit=items, seed=seed))
    chosen = [pair for pair in pairs if pair[1].id in taken]
    differences = [float(after.score or 0) - float(before.score or 0) for before, after in chosen]
    clusters = [after.cluster or f"item {after.id}" for _, after in chosen]
    effect = design_effect(differences, clusters)
    source = f"measured on {len(pairs)} items"
    if reference.metric == NATS or any(item.score not in (0, 1) for pair in pairs for item in pair):
        return None, source, effect, spread(differences, bounded=reference.metric not in UNITS)
    return discordance(flips, len(pairs)), source, effect, None
