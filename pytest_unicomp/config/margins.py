"""Margins: the largest loss that is accepted, as a rate (`0.03`), a share of the reference's score (`"5%"`) or a multiple of its errors (`"1.2x errors"`)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_unicomp.api.errors import UnicompError, UsageProblem

Kind = Literal["absolute", "relative", "errors"]
_RELATIVE = re.compile(r"\s*([0-9.]+)\s*%\s*")
_ERRORS = re.compile(r"\s*([0-9.]+)\s*x(\s+errors)?\s*")


@dataclass(frozen=True)
class Margin:
    """An accepted loss: `absolute`, at least 0, as a rate (0.03 is 3 points) or in nats per token; `relative`, in (0, 1), as a share of the
    reference's score; `errors`, above 1, as a multiple of the reference's error rate."""

    kind: Kind
    value: float

    @classmethod
    def of(cls, value: Any, location: str = "margin") -> Margin:
        """Read a number, a text or a Margin; raise UsageProblem naming `location` for anything else, and for a value that is out of range."""
        if isinstance(value, Margin):
            return value
        kind, number = _read(value)
        low, high = {"absolute": (0.0, math.inf), "relative": (0.0, 1.0), "errors": (1.0, math.inf)}[kind]
        if not low < number < high and not (kind == "absolute" and number == 0):
            raise UsageProblem(
                f"unicomp: {location} is {value!r}; expected a finite number of at least 0 such as 0.03 (3 points), a share of the reference "
                "below 100 % such as '5%', or a multiple of its errors above 1 such as '1.2x errors'."
            )
        return cls(kind, number)

    @property
    def setting(self) -> float | str:
        """The margin as it is written in a configuration file or a report: a number, `5%` or `1.2x errors`."""
        if self.kind == "absolute":
            return self.value
        return f"{100 * self.value:.10g}%" if self.kind == "relative" else f"{self.value:.10g}x errors"

    @property
    def excess(self) -> float:
        """Return by how much a cost (bytes, seconds) may exceed the reference's, as a share of it."""
        return self.value - 1 if self.kind == "errors" else self.value

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest loss that any item with a score in [0, 1] may be allowed."""
        return (self.value, self.value) if self.kind == "absolute" else (0.0, self.excess)

    def allowances(self, scores: Sequence[float], *, higher_is_better: bool) -> list[float]:
        """Return the loss that each item is allowed, from the reference's scores as they were measured.

        The candidate is inferior iff mean(candidate - reference + allowance) < 0, turned so that larger is better. Relative: that is
        candidate - (1 - delta) reference (lower is better: (1 + delta) reference - candidate); errors: ratio x (1 - reference) - (1 - candidate).
        The reference's own uncertainty is thereby part of the difference, and is not taken as known. Source: the linear form of the matched-pair
        test of a ratio, Nam & Blackwelder 2002, Statistics in Medicine 21, 689-699. Raises UnicompError for scores that have no such share.
        """
        if self.kind == "absolute":
            return [self.value] * len(scores)
        if any(score < 0 for score in scores):
            raise UnicompError(
                f"unicomp: a margin of {self.setting} needs scores of at least 0; found {min(scores)}; use an absolute margin."
            )
        if self.kind == "relative" or not higher_is_better:
            return [self.excess * score for score in scores]
        if any(score > 1 for score in scores):
            raise UnicompError(f"unicomp: a margin of {self.setting} needs scores in [0, 1]; found {max(scores)}; use an absolute margin.")
        return [self.excess * (1 - score) for score in scores]


def _read(value: Any) -> tuple[Kind, float]:
    if isinstance(value, bool):
        return "absolute", math.nan
    try:
        if isinstance(value, str) and (found := _RELATIVE.fullmatch(value)):
            return "relative", float(found[1]) / 100
        if isinstance(value, str) and (found := _ERRORS.fullmatch(value)):
            return "errors", float(found[1])
        return "absolute", float(value)
    except (TypeError, ValueError):
        return "absolute", math.nan
