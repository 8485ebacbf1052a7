"""The policy that verdicts follow: margins (the losses allowed), alpha, and if an inconclusive result fails the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.margins import Margin
from pytest_unicomp.config.reply_limits import Name, limits_of, require_readable


@dataclass(frozen=True)
class Policy:
    """Margins and error level of a run.

    A margin is a number (a rate in [0, 1], or nats per token), a share of the reference (`"5%"`), or a multiple of its errors
    (`"1.2x errors"`); the drift margin is always a number. `margins` holds exceptions by name: a capability's replaces the capability
    margin, a benchmark's or metric's the benchmark margin, and a table under a recipe's name applies to that recipe only. The most
    specific exception wins: recipe before run, benchmark before metric. `alpha` is one-sided, so intervals are two-sided at 1 - 2 alpha.
    `reply_limits` holds limits on length, truncation and loops of replies, and tables of such limits by benchmark or capability.
    """

    alpha: float = 0.05
    capability_margin: float | str | Margin = 0.03
    benchmark_margin: float | str | Margin = 0.05
    drift_margin: float = 0.02
    inconclusive: Literal["fail", "warn"] = "fail"
    margins: Mapping[str, Any] = field(default_factory=dict, hash=False)
    reply_limits: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Raise UsageProblem for an alpha outside (0, 0.5), or a margin or limit that is negative, infinite or malformed."""
        if not 0 < self.alpha < 0.5:
            raise UsageProblem(f"unicomp: alpha is {self.alpha}; expected a number above 0 and below 0.5, such as 0.05.")
        for name in ("capability_margin", "benchmark_margin"):
            Margin.of(getattr(self, name), name)
        for name, margin in self.margins.items():
            for inner, value in margin.items() if isinstance(margin, Mapping) else [("", margin)]:
                Margin.of(value, f"margins.{name}{'.' if inner else ''}{inner}")
        require_readable(self.reply_limits, lambda *keys: ".".join(map(str, keys)))
        if not 0 <= self.drift_margin < float("inf"):
            raise UsageProblem(
                f"unicomp: drift_margin is {self.drift_margin}; expected a finite number of at least 0, such as 0.03 for 3 points."
            )

    def of(self, *, recipe: str, capability: str, benchmark: str = "", metric: str = "") -> Policy:
        """Return the policy for one check, with the exceptions of `margins` for its names applied."""
        own = self.margins.get(recipe)
        tables = [*([own] if isinstance(own, Mapping) else []), self.margins]

        def chosen(names: tuple[str, ...], default: float | str | Margin) -> float | str | Margin:
            found = [table[name] for table in tables for name in names if name and not isinstance(table.get(name, {}), Mapping)]
            return found[0] if found else default

        return replace(
            self,
            capability_margin=chosen((capability,), self.capability_margin),
            benchmark_margin=chosen((benchmark, metric), self.benchmark_margin),
        )

    def limits_on_replies(self, *, benchmark: str, capability: str) -> dict[Name, float]:
        """Return the limits on the replies to a benchmark, empty if there are none."""
        return limits_of(self.reply_limits, benchmark=benchmark, capability=capability)

    @property
    def capability(self) -> Margin:
        """The margin of a capability."""
        return Margin.of(self.capability_margin)

    @property
    def benchmark(self) -> Margin:
        """The margin of a single benchmark."""
        return Margin.of(self.benchmark_margin)

    @property
    def confidence(self) -> float:
        """The two-sided confidence of every interval: 1 - 2 alpha."""
        return 1 - 2 * self.alpha
