"""Tests if among pruned models only those with a 2:4 pattern run faster than the reference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_unicomp.api.records import RecipeVerdict
from pytest_unicomp.report.study.findings import costs
from pytest_unicomp.report.study.findings.finding import Claimed, Finding
from pytest_unicomp.report.study.records import Study
from pytest_unicomp.report.study.sources import Source

PATTERN: Final = "2:4"
# A speed-up of less is none worth having.
LEAST: Final = 1.05


def pruning_speed(study: Study, sources: Sequence[Source]) -> Iterator[Finding]:
    """Yield the logarithm of reference time / time for pruned recipes with and without the pattern: of each model, and of all.

    Each half is about every recipe, so that of several the least favourable decides.
    """
    with_pattern = Claimed(
        claim=f"{PATTERN} pruning speeds up",
        statistic=f"log of (reference's time / time) - log of {LEAST:g}, the slowest such recipe",
        needs=f"1 recipe of 1 model that prunes {PATTERN} without other changes of format, timed",
    )
    without = Claimed(
        claim=f"pruning without a {PATTERN} pattern does not speed up",
        statistic=f"log of {LEAST:g} - log of (reference's time / time), the fastest such recipe",
        needs="1 recipe of 1 model that prunes without a pattern, timed",
    )
    for claimed, structured in ((with_pattern, True), (without, False)):
        each = [_of_model(claimed, source, structured) for source in sources]
        if len(each) > 1:
            yield claimed.together(each)
        yield from each


def _of_model(claimed: Claimed, source: Source, structured: bool) -> Finding:
    benchmark, timed = costs.run_times(source.report)
    found = []
    for row in source.report.recipes:
        if row.recipe in timed and row.family == "pruning" and _is_chosen(row, structured):
            ratio, (low, high) = timed[row.recipe]
            gain, bounds = -math.log(ratio), (-math.log(high), -math.log(low))
            least = math.log(LEAST)
            above = (gain - least, (bounds[0] - least, bounds[1] - least))
            found.append(above if structured else (-above[0], (-above[1][1], -above[1][0])))
    if not found:
        return claimed.missing(source.name, "no such recipe was timed")
    value, interval = min(found, key=lambda one: one[1][0])
    made = claimed.read(source.name, value, interval, recipes=len(found), models=1)
    return made.model_copy(update={"reason": f"{made.reason}; {benchmark}"})


def _is_chosen(row: RecipeVerdict, structured: bool) -> bool:
    """Return True if the recipe has the pattern and nothing else that a kernel could use (`structured`), or neither experts removed nor a pattern."""
    if structured:
        return row.settings.get("pattern") == PATTERN and "scheme" not in row.settings
    return "sparsity" in row.settings and row.settings.get("pattern") != PATTERN
