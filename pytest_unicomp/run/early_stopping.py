"""Sequential mode: measures a candidate in growing parts of a fixed order and stops when a sequential test decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Check, Item, Measurement
from pytest_unicomp.config.margins import Margin
from pytest_unicomp.config.settings import Settings, flag
from pytest_unicomp.run.check_inputs import MeasurePart
from pytest_unicomp.run.plan import Cell, Plan

# Ten looks: each costs a model call with a batch that is not full, and saves at most a tenth of the items.
LOOKS = 10
LEAST = 50


def validate(settings: Settings) -> None:
    """Raise UsageProblem if sequential mode is combined with an option that needs whole measurements."""
    if not settings.sequential:
        return
    if settings.update != "none":
        raise UsageProblem(
            f"unicomp: {flag('sequential')} measures parts, and a baseline is a whole: leave out {flag('update')} or {flag('sequential')}."
        )
    if settings.executor != "local":
        raise UsageProblem(
            f"unicomp: {flag('sequential')} decides after every part what comes next, which {flag('executor')}={settings.executor} cannot; leave one out."
        )


def stoppable(cell: Cell, plan: Plan) -> bool:
    """Return True if a cell may stop early: it must be the only benchmark of its capability, because a mean of stopped benchmarks has no known error rate."""
    same = [other for other in plan.of_kind("items") if (other.recipe, other.capability) == (cell.recipe, cell.capability)]
    # Nats per token have no bounds, which early stopping needs.
    return same == [cell] and not plan.candidate(cell.recipe).is_reference and plan.table[cell.benchmark].metric != compare.NATS


@dataclass
class EarlyStopping:
    """One candidate on one benchmark: `check` is its verdict, `measured` the items that it took."""

    reference: Measurement
    part: MeasurePart
    policy: compare.Policy
    margin: Margin
    _parts: list[Measurement] = field(default_factory=list, init=False)

    def decide(self, cell: Cell) -> tuple[Check, Measurement]:
        """Return the retention check and what was measured for it: as few of the looks as decide it, all items at most."""
        order = compare.fixed_order(self.reference.items, seed=self.reference.conditions.seed)
        done = 0
        for bound in _bounds(order):
            self._parts.append(self.part(cell.recipe, cell.benchmark, frozenset(item.id for item in order[done:bound])))
            done = bound
            measured = _joined(self._parts, whole=bound == len(order), limit=self.reference.conditions.limit)
            check = compare.sequential_retention(
                self.reference, measured, recipe=cell.recipe, family=cell.family, gates=cell.gates, policy=self.policy, margin=self.margin
            )
            if check is not None:
                return check, measured
        raise AssertionError("the last look holds all items, which always decides")


def _bounds(order: Sequence[Item]) -> list[int]:
    """Return how many items each look has seen: steps of a tenth, LEAST at least, moved to the end of a cluster."""
    step = max(LEAST, math.ceil(len(order) / LOOKS))
    bounds: list[int] = []
    for end in range(step, len(order) + step, step):
        bound = min(end, len(order))
        while 0 < bound < len(order) and order[bound].cluster is not None and order[bound].cluster == order[bound - 1].cluster:
            bound += 1
        if not bounds or bound > bounds[-1]:
            bounds.append(bound)
    return bounds


def _joined(parts: Sequence[Measurement], *, whole: bool, limit: int | None) -> Measurement:
    items = [item for part in parts for item in part.items]
    value, stderr = compare.stats.mean_and_error([item.score for item in items if item.score is not None])
    conditions = parts[0].conditions.model_copy(update={"limit": limit if whole else len(items)})
    return parts[0].model_copy(
        update={
            "items": items,
            "n": len(items),
            "value": value,
            "stderr": stderr,
            "conditions": conditions,
            "seconds": sum(part.seconds for part in parts),
        }
    )
