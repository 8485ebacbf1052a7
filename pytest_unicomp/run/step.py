"""The current step of a run, as a typed record; its text is for display only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pytest_unicomp.run.plan import REFERENCE

Stage = Literal["compress", "convert", "serve", "evaluate", "measure", "time"]


@dataclass(frozen=True)
class Step:
    """One piece of work: its `stage`, whose it is (`recipe`, or the reference) and on which `benchmark` (empty: on none).

    Two steps are equal if these three are. The rest is shown and never decides: how many `items` of the benchmark are evaluated (None: all
    of the run's), the format that a checkpoint is converted from, and the place (a process, a node) that works at it (empty: this process).
    """

    stage: Stage
    recipe: str
    benchmark: str = ""
    items: int | None = field(default=None, compare=False)
    source_format: str = field(default="", compare=False)
    place: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Return the sentence that is shown: "compress wanda-50", "evaluate wanda-50 on nano-safety", "time kernel-int8"."""
        parts = f", {self.items} items" if self.items else ""
        origin = f": {self.source_format}" if self.source_format else ""
        place = f" ({self.place})" if self.place else ""
        return f"{self.stage} {self._object()}{parts}{origin}{place}"

    def _object(self) -> str:
        if not self.benchmark:
            return self.recipe
        if self.stage == "measure":
            return f"{self.benchmark} of {self.recipe}"
        # A kernel is timed on the reference's layers, whatever the recipes.
        kernel = self.stage == "time" and self.recipe == REFERENCE
        return self.benchmark if kernel else f"{self.recipe} on {self.benchmark}"


StepProgress = Callable[[Step], None]
