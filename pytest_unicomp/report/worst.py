"""The findings of a run, the worst first, and one sentence for whoever decides: which recipes may ship, and which may not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from pytest_unicomp.api.records import CapabilityVerdict, Check, RecipeVerdict, Report, Verdict
from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report import numbers
from pytest_unicomp.report.matrix import unreached

ORDER: Final[tuple[Verdict, ...]] = ("fail", "error", "not_comparable", "inconclusive")
NAMED = 3
LONGEST = 160


@dataclass(frozen=True)
class Finding:
    """Something about a recipe that did not pass: `clause` says it in a sentence, `numbers` with difference, interval and margin.

    `severity` is the loss as a multiple of its margin, infinite for what has no margin, such as a foreign tokenizer; `cut` is True if the
    clause was shortened. `cause` is the reason of the check that decides, by which errors of one cause are recognized.
    """

    recipe: str
    gates: bool
    verdict: Verdict
    clause: str
    numbers: str
    severity: float
    cut: bool = False
    cause: str = ""

    @property
    def rank(self) -> tuple[bool, int, float]:
        """Sort key: gating recipes first, then failures, errors and undecided checks, each by severity."""
        return not self.gates, ORDER.index(self.verdict), -self.severity


def findings(report: Report) -> list[Finding]:
    """Return everything that did not pass and is not waived, the worst first."""
    found: list[Finding] = []
    for recipe in report.recipes:
        own = [check for check in report.checks if check.recipe == recipe.recipe]
        found += [_of_capability(recipe, pooled, own) for pooled in recipe.capabilities if pooled.verdict != "pass" and not pooled.waived]
        # What an undecided check of another kind says, the recipe's own verdict ignores.
        others = [
            check for check in own if check.question not in ("retention", "calibration", "efficiency") or check.verdict != "inconclusive"
        ]
        found += [
            _of_check(recipe, check)
            for check in others
            if check.question not in ("retention", "calibration") and check.verdict != "pass" and not check.waived
        ]
        # A hidden danger, or a benchmark that fails alone, is in none of these.
        if recipe.verdict != "pass" and not any((one.recipe, one.verdict) == (recipe.recipe, recipe.verdict) for one in found):
            reason = shortened(recipe.reason)
            found.append(
                Finding(recipe.recipe, recipe.gates, recipe.verdict, reason, reason, math.inf, is_long(recipe.reason), recipe.reason)
            )
    return sorted(_distinct(found), key=lambda one: one.rank)


def beyond_sentence(report: Report) -> list[Finding]:
    """Return the findings, the worst first, without those that stand in `sentence` word for word."""
    said = sentence(report)
    return [one for one in findings(report) if not one.gates or one.numbers not in said]


def timings_line(report: Report) -> str | None:
    """Return the line on timings that decide nothing, with the reason of the first; None if there are none."""
    found = [check for check in report.checks if check.question == "efficiency" and check.verdict == "inconclusive"]
    if not found:
        return None
    are = "timing is" if len(found) == 1 else "timings are"
    return f"{len(found)} {are} undecided, which fails nothing: {shortened(found[0].reason)}"


def sentence(report: Report) -> str:
    """Return the decision on every gating recipe, with the worst reason: "Ship a. Do not ship b: reasoning fell from 95 to 2 of 100."."""
    gating = [recipe for recipe in report.recipes if recipe.gates]
    if not gating:
        return "Nothing that gates was judged."
    worst: dict[str, Finding] = {}
    for one in findings(report):
        worst.setdefault(one.recipe, one)
    by_verdict = {name: [recipe.recipe for recipe in gating if recipe.verdict == name] for name in ("pass", *ORDER)}
    parts = [f"Ship {_listed(by_verdict['pass'])}."] if by_verdict["pass"] else []
    parts += [f"Do not ship {name}: {_ended(worst[name])}" for name in by_verdict["fail"]]
    # An error beside a failure of the same recipe does not hide it.
    parts += [_broken(name, worst[name]) for name in by_verdict["error"]]
    parts += [f"{name} is undecided: {_ended(worst[name])}" for name in (*by_verdict["not_comparable"], *by_verdict["inconclusive"])]
    never = [recipe.recipe for recipe in unreached(report)]
    parts += [f"Never reached: {_listed(never)}."] if never else []
    more = [f"And {len(parts) - 2 * NAMED} more."] if len(parts) > 2 * NAMED else []
    return " ".join([*parts[: 2 * NAMED], *more])


def _broken(name: str, found: Finding) -> str:
    lead = f"Do not ship {name}:" if found.verdict == "fail" else f"Not judged: {name}, because of an error:"
    return f"{lead} {_ended(found)}"


def _ended(found: Finding) -> str:
    """Return the clause of a finding as the end of a sentence; a shortened one ends with its ellipsis."""
    return found.clause if found.cut else f"{found.clause}."


def _of_capability(recipe: RecipeVerdict, pooled: CapabilityVerdict, own: Sequence[Check]) -> Finding:
    unit, name = numbers.unit_of_capability(pooled, list(own)), spoken(pooled.capability)
    checks = [check for check in own if check.question == "retention" and check.capability == pooled.capability]
    if pooled.difference is None or pooled.interval is None or pooled.margin is None:
        text = f"{name}: {shortened(pooled.reason)}"
        cause = next((check.reason for check in checks if check.verdict == pooled.verdict), pooled.reason)
        return Finding(recipe.recipe, recipe.gates, pooled.verdict, text, text, 0.0, is_long(pooled.reason), cause)
    shown = f"{numbers.change(pooled.difference, unit)} {numbers.interval(pooled.interval, unit)}, accepted {numbers.amount(pooled.margin, unit)}"
    lost = _fell(checks) or "lost " + numbers.change(-pooled.difference, unit).lstrip("+")
    clause = f"{name} {lost if pooled.verdict == 'fail' else shown}"
    severity = -pooled.difference / pooled.margin if pooled.margin > 0 else math.inf
    return Finding(recipe.recipe, recipe.gates, pooled.verdict, clause, f"{name}: {shown}", severity)


def _fell(checks: Sequence[Check]) -> str | None:
    """Return "fell from 95 to 2 of 100" for benchmarks that count right answers; None for others, and if the whole numbers are the same."""
    levels = [
        (check.reference.value, check.candidate.value) for check in checks if numbers.unit_of(check) == "rate" and check.higher_is_better
    ]
    known = [(before, after) for before, after in levels if before is not None and after is not None]
    if not known or len(known) < len(checks):
        return None
    before, after = (round(100 * fmean(pair[side] for pair in known)) for side in (0, 1))
    return f"fell from {before} to {after} of 100" if after < before else None


def _of_check(recipe: RecipeVerdict, check: Check) -> Finding:
    what = "the checkpoint" if check.question == "artifact" else f"{check.benchmark} ({spoken(check.question)})"
    text = f"{what}: {shortened(check.reason)}"
    severity = math.inf
    if check.difference is not None and check.margin:
        severity = -check.difference / check.margin
    return Finding(recipe.recipe, recipe.gates, check.verdict, text, text, severity, is_long(check.reason), check.reason)


def _distinct(found: Sequence[Finding]) -> list[Finding]:
    """Leave out an error of a recipe that another one of its errors repeats: what cannot be loaded fails on every benchmark."""
    kept: dict[tuple[str, str, str], Finding] = {}
    for one in found:
        kept.setdefault((one.recipe, one.verdict, one.cause if one.verdict == "error" else one.numbers), one)
    return list(kept.values())


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def shortened(text: str) -> str:
    """Return a reason without a full stop at its end, cut between words if it is long."""
    text = " ".join(text.split())
    return text[:LONGEST].rpartition(" ")[0] + " …" if is_long(text) else text.rstrip(".")


def is_long(text: str) -> bool:
    """Return True if a reason is shortened where findings are listed."""
    return len(" ".join(text.split())) > LONGEST
