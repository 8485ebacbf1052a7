"""`unicomp diff`: compares two reports: changed verdicts, numbers with their intervals, and conditions that differ between the runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pytest_unicomp.api.records import CapabilityVerdict, Check, RecipeVerdict, Report
from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report import numbers
from pytest_unicomp.report.visible import one_line

Kind = Literal["run", "recipe", "capability", "check"]
Change = Literal["worse", "better", "same verdict", "same", "only in the first", "only in the second"]
# From best to worst; "not comparable" carries less information than "inconclusive".
ORDER = ("pass", "inconclusive", "not_comparable", "fail", "error")
# The parts of the environment that may change a number; of the policy, everything is compared.
ENVIRONMENT = ("cpu", "accelerators", "versions", "python")


@dataclass(frozen=True)
class Side:
    """One report's verdict, with the paired difference to that run's own reference and its interval (None if there is none).

    For a run or a recipe, `waivers` is the number of waivers that the verdict rests on, `without_waivers` the verdict without them.
    """

    verdict: str
    difference: float | None = None
    interval: tuple[float, float] | None = None
    n: int | None = None
    waived: bool = False
    waivers: int = 0
    without_waivers: str | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Its rank from best to worst: by the verdict, then by the verdict without waivers."""
        return ORDER.index(self.verdict), ORDER.index(self.without_waivers or self.verdict)


@dataclass(frozen=True)
class Row:
    """One verdict that either report holds; `gates` is True if it gates in one of them."""

    kind: Kind
    what: str
    gates: bool
    first: Side | None
    second: Side | None
    change: Change
    unit: numbers.Unit = "rate"


@dataclass(frozen=True)
class Condition:
    """A condition that differs between the two runs."""

    what: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Difference:
    """The comparison of two reports; `comparable` is True if both runs have the same reference."""

    rows: Sequence[Row]
    conditions: Sequence[Condition]
    comparable: bool

    @property
    def exit_code(self) -> int:
        """6 if the runs have different references or share no check, 1 if a gating verdict is worse in the second or missing from it, else 0."""
        shared = [row for row in self.rows if row.kind == "check" and row.first and row.second]
        if not self.comparable or not shared:
            return 6
        return 1 if any(row.gates and row.change in ("worse", "only in the first") for row in self.rows) else 0


def diff_reports(first: Report, second: Report) -> Difference:
    """Compare two reports. Each difference is against that run's own reference; the runs are not tested against each other."""
    old, new = dict(_judged(first)), dict(_judged(second))
    rows = [_row(key, old.get(key), new.get(key)) for key in dict.fromkeys((*old, *new))]
    models = [report.reference.fingerprint if report.reference else None for report in (first, second)]
    return Difference(rows, list(_conditions(first, second)), models[0] == models[1])


Judged = tuple[Side, bool, numbers.Unit]


def _judged(report: Report) -> Iterator[tuple[tuple[Kind, str], Judged]]:
    waived = Counter(waiver.recipe for waiver in report.waivers if waiver.state == "applied")
    yield ("run", "the run"), (Side(report.verdict, waivers=waived.total(), without_waivers=report.without_waivers), True, "rate")
    for recipe in report.recipes:
        side = Side(recipe.verdict, waivers=waived[recipe.recipe], without_waivers=recipe.without_waivers)
        yield ("recipe", recipe.recipe), (side, recipe.gates, "rate")
        own = [check for check in report.checks if check.recipe == recipe.recipe]
        for pooled in recipe.capabilities:
            name = f"{recipe.recipe}, {spoken(pooled.capability)}"
            unit = numbers.unit_of_capability(pooled, own)
            yield ("capability", name), (_side(pooled, None), recipe.gates, unit)
        for check in own:
            name = f"{recipe.recipe} on {check.benchmark} ({spoken(check.question)})"
            yield ("check", name), (_side(check, check.n), check.gates, numbers.unit_of(check))


def _side(judged: Check | CapabilityVerdict, n: int | None) -> Side:
    return Side(judged.verdict, judged.difference, judged.interval, n, judged.waived)


def _row(key: tuple[Kind, str], first: Judged | None, second: Judged | None) -> Row:
    old, new = first[0] if first else None, second[0] if second else None
    known = second or first
    assert known is not None
    gates = any(side[1] for side in (first, second) if side)
    return Row(key[0], key[1], gates, old, new, _change(old, new), known[2])


def _change(old: Side | None, new: Side | None) -> Change:
    if old is None:
        return "only in the second"
    if new is None:
        return "only in the first"
    if old == new:
        return "same"
    return "worse" if new.rank > old.rank else "better" if new.rank < old.rank else "same verdict"


def _conditions(first: Report, second: Report) -> Iterator[Condition]:
    yield from _differing(_facts(first), _facts(second))
    recipes = {recipe.recipe: recipe for recipe in second.recipes}
    for recipe in first.recipes:
        if recipe.recipe in recipes:
            yield from _differing(_artifact(recipe), _artifact(recipes[recipe.recipe]), f"{recipe.recipe}: ")


def _facts(report: Report) -> dict[str, Any]:
    facts: dict[str, Any] = {"reference": report.reference.model if report.reference else None}
    facts["reference fingerprint"] = report.reference.fingerprint if report.reference else None
    for name in ENVIRONMENT:
        value = report.environment.get(name)
        facts |= {f"version of {part}": one for part, one in value.items()} if isinstance(value, Mapping) else {name: value}
    return facts | {f"policy: {spoken(name)}": value for name, value in report.policy.items()}


def _artifact(recipe: RecipeVerdict) -> dict[str, Any]:
    made, text = recipe.artifact, recipe.calibration
    facts: dict[str, Any] = {"gates": recipe.gates, **{f"setting {name}": value for name, value in recipe.settings.items()}}
    facts |= {"calibration text": text.digest if text else None}
    return facts | {"weights": made.fingerprint if made else None, "bytes": made.bytes if made else None}


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[Condition]:
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield Condition(prefix + name, old.get(name), new.get(name))


def document(found: Difference) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    return {
        "comparable": found.comparable,
        "exit_code": found.exit_code,
        "rows": [asdict(row) for row in found.rows],
        "conditions": [asdict(condition) for condition in found.conditions],
    }


def lines(found: Difference) -> list[str]:
    """Return lines of text: changed verdicts, worse and missing ones first, then changed numbers, then conditions that differ."""
    order: tuple[Change, ...] = ("worse", "only in the first", "better", "only in the second", "same verdict")
    found_lines = [_line(row) for change in order for row in found.rows if row.change == change]
    same = sum(row.change == "same" for row in found.rows)
    found_lines.append(f"identical: {same} of {len(found.rows)}")
    found_lines += [f"differs: {one.what}: {_short(one.first)} -> {_short(one.second)}" for one in found.conditions]
    if not found.comparable:
        found_lines.append("unicomp: the two runs have different references, so their verdicts cannot be compared")
    else:
        worse, gone = (sum(row.change == change and row.gates for row in found.rows) for change in ("worse", "only in the first"))
        found_lines.append(
            f"unicomp: {worse} verdicts that gate are worse in the second" + (f", {gone} are missing from it" if gone else "")
        )
    return [one_line(line) for line in found_lines]


def _line(row: Row) -> str:
    informs = "" if row.gates else " (informs)"
    return f"{row.change}: {row.what}{informs}: {_text(row.first, row.unit)} -> {_text(row.second, row.unit)}"


def _text(side: Side | None, unit: numbers.Unit) -> str:
    if side is None:
        return "missing"
    text = spoken(side.verdict).upper() + (" (waived)" if side.waived else "")
    if side.waivers:
        without = spoken(side.without_waivers or side.verdict).upper()
        text += f" (with {side.waivers} waiver{'s' if side.waivers > 1 else ''}, without: {without})"
    if side.difference is not None:
        text += f" {numbers.change(side.difference, unit)}"
    if side.interval is not None:
        text += f" {numbers.interval(side.interval, unit)}"
    return numbers.ascii_only(text + (f" n {side.n}" if side.n else ""))


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else text[:59] + "~"
