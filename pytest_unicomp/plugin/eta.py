"""Estimates the time left of a run from its steps: the current one, and those left per recipe."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from pytest_unicomp.run.plan import REFERENCE
from pytest_unicomp.run.step import Step

# Below this many finished steps an estimate would be a guess.
LEAST_FINISHED = 2


class StepTracker:
    """Knows the expected steps, the running one, and how long each finished one took."""

    def __init__(self) -> None:
        """Begin with nothing expected; times are seconds of any clock that only goes forward."""
        self._pending: dict[Step, None] = {}
        self._total = 0
        self._running: tuple[Step, float] | None = None
        self._finished: list[tuple[Step, float]] = []

    def expect(self, steps: Iterable[Step]) -> None:
        """Take note of what a run with an empty store would do, in order."""
        self._pending = dict.fromkeys(steps)
        self._total = len(self._pending)

    def begin(self, step: Step, now: float) -> None:
        """Note that a step is worked at from now on and the one before it has ended; an unexpected step counts too."""
        self.end(now)
        if step in self._pending:
            del self._pending[step]
        else:
            self._total += 1
        self._running = (step, now)

    def end(self, now: float) -> None:
        """Clear the current step."""
        if self._running is not None:
            self._finished.append((self._running[0], now - self._running[1]))
            self._running = None

    def settle(self, recipe: str, benchmark: str) -> None:
        """Note that a recipe is judged on a benchmark: its steps that never began were in the store already."""
        sides = (recipe, REFERENCE)
        for step in list(self._pending):
            if (step.recipe in sides and step.benchmark == benchmark) or (step.stage == "compress" and step.recipe == recipe):
                del self._pending[step]

    @property
    def place(self) -> str:
        """Return the number of the current step and of all steps, such as "3/14"."""
        return f"{self._total - len(self._pending)}/{self._total}"

    def seconds_left(self, now: float) -> float | None:
        """Estimate the seconds until all steps are done; None if too few have finished to tell, or if the running step takes longer than expected.

        A step is expected to last as long, on average, as finished ones of its stage on the same benchmark, else of its stage, else all.
        """
        if len(self._finished) < LEAST_FINISHED:
            return None
        left = sum(self._expected(step) for step in self._pending)
        if self._running is None:
            return left
        step, began = self._running
        rest = self._expected(step) - (now - began)
        # A step that overruns shows that what was learnt from others does not hold for it: nobody knows how long it goes on.
        return left + rest if rest >= 0 else None

    def _expected(self, step: Step) -> float:
        alike = [(done, taken) for done, taken in self._finished if done.stage == step.stage]
        same = [taken for done, taken in alike if done.benchmark == step.benchmark]
        return fmean(same or [taken for _, taken in alike or self._finished])


def about(seconds: float) -> str:
    """Write an estimate of a duration as coarsely as it is known: "about 40 s", "about 12 min", "about 3 h"."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {round(seconds / 3600)} h"
