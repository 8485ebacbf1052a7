"""The tables of docs/smollm2.md, from stored evidence alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from benchmarks.study import protocol, published
from benchmarks.study.chance import anchors
from benchmarks.study.costs import cell_costs, recipe_costs
from benchmarks.study.judged import Judged
from docs.tools.catalogue import table
from pytest_unicomp.api import registry
from pytest_unicomp.api.records import CapabilityVerdict, Check
from pytest_unicomp.compare import NATS
from pytest_unicomp.compare.pooling import unanchored
from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report.numbers import change, signed

VERDICTS = {"pass": "kept", "fail": "**lost**", "inconclusive": "not decided"}
# Of a table: more do not fit on a page.
COLUMNS = 6
NOTHING = "Not measured yet.\n"


def coverage(study: Judged) -> str:
    """Return how many cells are measured, and one row per benchmark: items, number of recipes measured, and their names or those of the others."""
    wanted = protocol.cells()
    refused = {name for name, made in study.stored.recipes.items() if made.refused}
    open_cells = [cell for cell in wanted if cell.name not in refused]
    there = [cell for cell in open_cells if cell.benchmark in study.stored.measured.get(cell.name, {})]
    rows, known = [], registry.benchmarks()
    for name in dict.fromkeys(cell.benchmark for cell in wanted):
        own = [cell for cell in open_cells if cell.benchmark == name]
        measured = [cell.name for cell in own if cell in there]
        items = f"{protocol.DENSE_ITEMS[name]} / {protocol.ITEMS[name]}"
        rows.append(
            (f"`{name}`", spoken(known[name].capability), items, f"{len(measured)} of {len(own)}", _some(measured, [c.name for c in own]))
        )
    head = ("benchmark", "capability", "items (dense / recipe)", "measured", "which")
    if not there:
        return (
            f"**Nothing is measured yet**: none of {len(open_cells)} cells. The tables below are empty until one is.\n\n{table(head, rows)}"
        )
    said = f"{len(there)} of {len(open_cells)} cells are measured; {len(open_cells) - len(there)} are not yet.\n\n"
    return said + table(head, rows)


def refusals(study: Judged) -> str:
    """Return one row per recipe that cannot be made of the model, with the reason."""
    rows = [(f"`{made.recipe}`", made.refused) for made in study.stored.recipes.values() if made.refused]
    return table(("recipe", "reason"), rows) if rows else "No recipe was refused so far.\n"


def dense(study: Judged) -> str:
    """Return one row per published score: ours beside it, with its interval."""
    rows = []
    for one in published.beside(study.stored):
        figure = one.published
        inside = "inside" if one.agrees else "**outside**"
        ours = f"{one.percent:.1f} [{one.low:.1f}, {one.high:.1f}]"
        rows.append((f"`{figure.benchmark}`", figure.metric, str(one.items), ours, f"{figure.percent:.2f}", inside))
    head = ("benchmark", "metric", "items", "ours, % [90 % interval]", "published", "the published score lies")
    return table(head, rows) if rows else NOTHING


def chance(study: Judged) -> str:
    """Return the reference's score on each of its benchmarks: items, lower confidence bound, chance level, and whether it is above that."""
    rows = [
        (
            _quoted(anchor.measured.benchmark),
            spoken(anchor.measured.capability),
            str(anchor.measured.n),
            f"{100 * anchor.score:.1f} %",
            f"{100 * anchor.lower:.1f} %",
            "none" if anchor.measured.chance is None else f"{100 * anchor.measured.chance:.1f} %",
            "**yes**" if anchor.above else "no",
        )
        for anchor in anchors(study.stored)
    ]
    head = ("benchmark", "capability", "items", "reference", "its lower bound (95 %)", "chance", "above chance")
    return table(head, rows) if rows else NOTHING


def benchmarks(study: Judged) -> str:
    """Return one row per recipe and one column per benchmark, in tables of a page's width: difference to dense in points, with its interval."""
    found = study.checks()
    names = list(dict.fromkeys(name for own in found.values() for name in own))
    names.sort(key=list(protocol.ITEMS).index)
    parts = [names[start : start + COLUMNS] for start in range(0, len(names), COLUMNS)]
    made = [
        table(
            ("recipe", *map(_quoted, part)),
            ((_quoted(recipe), *(_check(own.get(name)) for name in part)) for recipe, own in found.items()),
        )
        for part in parts
    ]
    return "\n".join(made) if made else NOTHING


def capabilities(study: Judged) -> str:
    """Return one row per recipe and one column per capability, pooled over the benchmarks that say something."""
    rows = {recipe: study.capabilities(recipe) for recipe in study.checks()}
    names = list(dict.fromkeys(name for own in rows.values() for name in own))
    if not names:
        return NOTHING
    head = ("recipe", *(spoken(name) for name in names))
    return table(head, ((_quoted(recipe), *(_capability(own.get(name)) for name in names)) for recipe, own in rows.items()))


def claims(study: Judged) -> str:
    """Return one row per claim of the paper and recipe (or pair) that it can be tested on, and one per claim that can be tested on none."""
    found = [claim for claim in study.report.findings if "@" not in claim.about]
    words = {"undecided": "cannot tell from this run", "not tested": "not tested"}
    told = [claim for claim in found if claim.answer != "not tested"]
    rows = [(claim.claim, claim.about, words.get(claim.answer, f"**{claim.answer}**"), claim.reason) for claim in told]
    untested = dict.fromkeys(claim.claim for claim in found if claim.answer == "not tested")
    some = {claim.claim for claim in told}
    rows += [(name, "all recipes", "not tested", "a score it needs was not measured") for name in untested if name not in some]
    return table(("claim of the paper", "about", "answer", "difference"), rows) if rows else NOTHING


def calibration(study: Judged) -> str:
    """Return one row per recipe and capability: what calibration text of the target's kind gains on the same items."""
    rows = [
        (
            _quoted(gain.recipe),
            spoken(gain.capability),
            ", ".join(map(_quoted, gain.benchmarks)),
            str(gain.n),
            f"{_points(gain.difference)} [{_points(gain.interval[0])}, {_points(gain.interval[1])}]",
            {"pass": "**gains**", "fail": "**costs**"}.get(gain.verdict, "cannot tell from this run"),
        )
        for gain in study.report.calibration_gains
    ]
    head = ("recipe", "capability", "benchmarks", "items", "gain, points [90 % interval]", "answer")
    return table(head, rows) if rows else NOTHING


TABLES: Mapping[str, Callable[[Judged], str]] = {
    "study-coverage": coverage,
    "study-refusals": refusals,
    "study-dense": dense,
    "study-chance": chance,
    "study-capabilities": capabilities,
    "study-benchmarks": benchmarks,
    "study-claims": claims,
    "study-calibration": calibration,
    "study-recipe-costs": recipe_costs,
    "study-cell-costs": cell_costs,
}


def _quoted(name: str) -> str:
    return f"`{name}`"


def _points(value: float) -> str:
    return signed(100 * value, 1)


def _some(names: list[str], whole: list[str]) -> str:
    """Return the names, or if they are more than half of the whole, those that are not among them."""
    others = [name for name in whole if name not in names]
    if not others:
        return "all"
    return ", ".join(map(_quoted, names)) or "none" if len(names) <= len(others) else f"all but {', '.join(map(_quoted, others))}"


def _check(check: Check | None) -> str:
    if check is None or check.difference is None or check.interval is None:
        return "" if check is None else check.verdict.replace("_", " ")
    unit = "nats" if check.metric == NATS else "rate"
    said = f"{change(check.difference, unit, named=False)} [{', '.join(change(bound, unit, named=False) for bound in check.interval)}]"
    return f"{said} at chance" if unanchored(check) else f"{said} {VERDICTS[check.verdict]}"


def _capability(found: CapabilityVerdict | None) -> str:
    if found is None or found.difference is None or found.interval is None:
        return ""
    low, high = map(_points, found.interval)
    return f"{_points(found.difference)} [{low}, {high}] {VERDICTS[found.verdict]} ({_counted(found.benchmarks)})"


def _counted(names: Iterable[str]) -> str:
    count = len(list(names))
    return f"{count} set{'s' if count > 1 else ''}"
