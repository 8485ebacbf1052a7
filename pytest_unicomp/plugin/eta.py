"""Keeps count of a run's steps: which is being worked at, how many are left for which recipe, and about how long they will take."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

# Below this many finished steps an estimate would be a guess.
LEAST_FINISHED = 2


class Remaining:
    """Steps go by what is said of them: "compress wanda-50", "evaluate wanda-50 on nano-safety", "time wanda-50 on decode-latency"."""

    def __init__(self, clock: float = 0.0) -> None:
        """Begin with nothing expected; times are seconds of any clock that only goes forward."""
        self._pending: dict[str, None] = {}
        self._total = 0
        self._running: tuple[str, float] | None = None
        self._finished: list[tuple[str, float]] = []
        self._began = clock

    def expect(self, steps: Iterable[str]) -> None:
        """Say what a run with an empty store would do, in order."""
        self._pending = dict.fromkeys(steps)
        self._total = len(self._pending)

    def begin(self, step: str, now: float) -> None:
        """Note that a step is worked at from now on; the one before it has ended. One that nobody expected counts too."""
        self.end(now)
        name = step.partition(",")[0].partition(":")[0]
        if name in self._pending:
            del self._pending[name]
        else:
            self._total += 1
        self._running = (name, now)

    def end(self, now: float) -> None:
        """Note that nothing is worked at any more."""
        if self._running is not None:
            self._finished.append((self._running[0], now - self._running[1]))
            self._running = None

    def settle(self, recipe: str, benchmark: str) -> None:
        """Note that a recipe is judged on a benchmark: whatever that would have taken and was not announced was in the store already."""
        for name in (recipe, "reference"):
            for step in (f"evaluate {name} on {benchmark}", f"time {name} on {benchmark}", f"measure {benchmark} of {name}"):
                self._pending.pop(step, None)
        for step in (f"compress {recipe}", f"time {benchmark}"):
            self._pending.pop(step, None)

    @property
    def place(self) -> str:
        """Which step this is, of how many: "3/14"."""
        return f"{self._total - len(self._pending)}/{self._total}"

    @property
    def by_recipe(self) -> dict[str, int]:
        """How many steps are left, by recipe, in the order of the run."""
        found: dict[str, int] = {}
        for step in self._pending:
            name = _recipe(step)
            found[name] = found.get(name, 0) + 1
        return found

    def seconds_left(self) -> float | None:
        """Estimate the seconds that the steps left will take; None where too few have finished to tell.

        A step is taken to last as long as those before it on the same benchmark, else those of its kind, else all of them, on average.
        """
        if len(self._finished) < LEAST_FINISHED:
            return None
        return sum(self._expected(step) for step in self._pending)

    def _expected(self, step: str) -> float:
        kind = step.partition(" ")[0]
        alike = [(done, taken) for done, taken in self._finished if done.startswith(f"{kind} ")]
        same = [taken for done, taken in alike if _benchmark(done) == _benchmark(step)]
        return fmean(same or [taken for _, taken in alike or self._finished])


def _recipe(step: str) -> str:
    """Return whose step it is; a kernel is timed on the reference."""
    kind, _, rest = step.partition(" ")
    if kind == "measure":
        return rest.partition(" of ")[2]
    return "reference" if kind == "time" and " on " not in rest else rest.partition(" on ")[0]


def _benchmark(step: str) -> str:
    rest = step.partition(" ")[2]
    return rest.partition(" of ")[0] if step.startswith("measure ") else rest.partition(" on ")[2]


def about(seconds: float) -> str:
    """Write an estimate of a duration as coarsely as it is known: "about 40 s", "about 12 min", "about 3 h"."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {round(seconds / 3600)} h"
