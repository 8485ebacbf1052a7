"""What counts as lost, and how sure one must be: the numbers that a run's owner sets once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_unicomp.errors import UsageProblem


@dataclass(frozen=True)
class Policy:
    """Margins are absolute differences of rates (or nats per token); `alpha` is one-sided, so intervals are two-sided at 1 - 2 alpha."""

    alpha: float = 0.05
    capability_margin: float = 0.03
    benchmark_margin: float = 0.05
    drift_margin: float = 0.02
    inconclusive: Literal["fail", "warn"] = "fail"

    def __post_init__(self) -> None:
        """Raise UsageProblem for an alpha outside (0, 0.5), or a margin that is negative or not finite."""
        if not 0 < self.alpha < 0.5:
            raise UsageProblem(f"unicomp: alpha is {self.alpha}; expected a number above 0 and below 0.5, such as 0.05.")
        for name in ("capability_margin", "benchmark_margin", "drift_margin"):
            margin = getattr(self, name)
            if not 0 <= margin < float("inf"):
                raise UsageProblem(f"unicomp: {name} is {margin}; expected a finite number of at least 0, such as 0.03 for 3 points.")

    @property
    def confidence(self) -> float:
        """The two-sided confidence of every interval: 1 - 2 alpha."""
        return 1 - 2 * self.alpha
