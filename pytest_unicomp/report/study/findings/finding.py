"""The record of a claim's answer over one or several models, and the rules that intervals are read and put together by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pytest_unicomp.api.records.record import Record

Answer = Literal["holds", "does not hold", "cannot tell"]
Bounds = tuple[float, float]


class Finding(Record):
    """A claim of the paper: its answer, `statistic` in words, value and interval (None: not known), what it rests on and what it needs.

    `about` is a model, or "all models". "cannot tell" covers both data that do not decide and data that are missing: `reason` says which.
    """

    claim: str
    about: str
    answer: Answer
    statistic: str
    value: float | None = None
    interval: Bounds | None = None
    recipes: int = 0
    models: int = 0
    needs: str
    reason: str


class Claimed(Record):
    """A claim before it is tested: what it says, its statistic with the unit, and how many recipes and models it needs."""

    claim: str
    statistic: str
    needs: str

    def missing(self, about: str, found: str, *, recipes: int = 0, models: int = 0) -> Finding:
        """Return that the run cannot tell, since something is missing; `found` says what there is."""
        return self._answered(about, "cannot tell", None, None, recipes, models, f"cannot tell from this run: {found}; needs {self.needs}")

    def read(
        self, about: str, value: float, interval: Bounds, *, above: float = 0.0, below: float | None = None, recipes: int, models: int
    ) -> Finding:
        """Return "holds" if the whole interval lies above `above`, "does not hold" if it lies below `below` (`above` if None), else "cannot tell"."""
        low, high = interval
        limit = above if below is None else below
        answer: Answer = "holds" if low > above else "does not hold" if high < limit else "cannot tell"
        shown = f"{value:+.3g} ({low:+.3g} to {high:+.3g})"
        reason = f"cannot tell from this run: {shown} decides neither way" if answer == "cannot tell" else shown
        return self._answered(about, answer, value, interval, recipes, models, reason)

    def said(self, about: str, answer: Answer, value: float, reason: str, *, recipes: int, models: int) -> Finding:
        """Return an answer whose value has no interval; `reason` says why."""
        return self._answered(about, answer, value, None, recipes, models, reason)

    def together(self, each: Sequence[Finding]) -> Finding:
        """Return the answer for all models: it holds if it holds in each, so that its error level is that of one; it does not hold if it does not in any.

        The value and interval are those of the model that is least in favour of the claim.
        """
        decided = [(found.interval[0] if found.interval else found.value, found) for found in each if found.value is not None]
        if not decided:
            return self.missing("all models", "no model has what is needed", models=0)
        _, worst = min(decided, key=lambda one: one[0])
        against = [found.about for found in each if found.answer == "does not hold"]
        answer: Answer = "does not hold" if against else "holds" if all(found.answer == "holds" for found in each) else "cannot tell"
        open_models = [found.about for found in each if found.answer == "cannot tell"]
        reason = {
            "does not hold": f"in {', '.join(against)}",
            "holds": f"in each of {len(each)} models",
            "cannot tell": f"cannot tell from this run: undecided or missing in {', '.join(open_models)}",
        }[answer]
        recipes = sum(found.recipes for _, found in decided)
        return self._answered("all models", answer, worst.value, worst.interval, recipes, len(decided), reason)

    def _answered(
        self, about: str, answer: Answer, value: float | None, interval: Bounds | None, recipes: int, models: int, reason: str
    ) -> Finding:
        return Finding(
            claim=self.claim,
            about=about,
            answer=answer,
            statistic=self.statistic,
            value=value,
            interval=interval,
            recipes=recipes,
            models=models,
            needs=self.needs,
            reason=reason,
        )


def difference(first: float, first_bounds: Bounds, second: float, second_bounds: Bounds) -> Bounds:
    """Return the interval of first - second for independent estimates (MOVER; Zou & Donner 2008, Statistics in Medicine 27, 1693-1702)."""
    value = first - second
    below = math.hypot(first - first_bounds[0], second_bounds[1] - second)
    above = math.hypot(first_bounds[1] - first, second - second_bounds[0])
    return value - below, value + above


def mean_of_dependent(values: Sequence[float], bounds: Sequence[Bounds]) -> tuple[float, Bounds]:
    """Return the mean and an interval of it that is valid however the estimates depend on each other: the means of the ends.

    Recipes of a model, and models on the same questions, share items. The standard error of a mean is at most the mean of the standard errors.
    """
    count = len(values)
    return math.fsum(values) / count, (math.fsum(low for low, _ in bounds) / count, math.fsum(high for _, high in bounds) / count)
