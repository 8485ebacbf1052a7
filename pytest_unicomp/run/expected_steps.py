"""Predicts the steps of a run with an empty store, so that progress can count those left."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.run.plan import REFERENCE, Cell, Plan
from pytest_unicomp.run.step import Step


def expected_steps(plan: Plan, promised: Sequence[Cell], evaluation: Evaluation, *, stored_reference: bool) -> list[Step]:
    """Return the steps that the promised cells take, in order; the reference is evaluated unless its stored evidence serves."""
    steps: dict[Step, None] = {}
    items = [cell for cell in promised if cell.kind == "items" and cell.benchmark]
    for cell in promised:
        # Steps of one recipe together; the reference is measured with the first that needs it.
        if cell.recipe != REFERENCE and _is_made(plan, cell.recipe):
            steps[Step("compress", cell.recipe)] = None
        if cell in items:
            if items[0] == cell and not stored_reference:
                steps |= dict.fromkeys(Step("evaluate", REFERENCE, other.benchmark) for other in items)
            steps[Step("evaluate", cell.recipe, cell.benchmark)] = None
        elif cell.kind == "size" and cell.benchmark in plan.table and plan.table[cell.benchmark].identity(evaluation):
            steps |= dict.fromkeys(Step("measure", name, cell.benchmark) for name in (REFERENCE, cell.recipe))
    steps |= dict.fromkeys(Step("time", cell.recipe, cell.benchmark) for cell in promised if cell.kind == "latency")
    return [*steps, *dict.fromkeys(Step("time", REFERENCE, cell.benchmark) for cell in promised if cell.kind == "kernel")]


def _is_made(plan: Plan, recipe: str) -> bool:
    candidate = plan.candidate(recipe)
    return candidate.method is not None and not candidate.is_reference
