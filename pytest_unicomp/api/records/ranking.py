"""Records of recipes compared with each other on the same items."""

from __future__ import annotations

from typing import Literal

from pytest_unicomp.api.records.record import Record
from pytest_unicomp.api.vocabulary import Dimension


class RecipePair(Record):
    """Two recipes on the same items. `difference` = first - second, mean over the benchmarks, positive if `first` is better; `interval` is
    two-sided at the ranking's `confidence`, for this pair alone (None: its uncertainty cannot be estimated, for example from one cluster). `better`
    names the better recipe, None if the two cannot be told apart once all pairs are corrected for (Holm)."""

    first: str
    second: str
    difference: float
    interval: tuple[float, float] | None
    better: str | None


class Ranked(Record):
    """A recipe's place: `value` is its mean score, rates turned so that larger is better. `ranks` are the best and the worst rank (1 is best) that the
    pairs leave it: one more than the number of recipes shown to be better, and as many fewer than all as are shown to be worse."""

    recipe: str
    value: float
    ranks: tuple[int, int]


class Ranking(Record):
    """The recipes of one capability, best mean score first, with every pair of them.

    `unit` is rate, nats_per_token or another metric's name; `n` counts the items of all `benchmarks`. `left_out` says by recipe why it is not
    ranked. `error` is the probability (0 to 1) that any pair of all rankings that were made together is told apart although it is equal.
    """

    capability: str
    dimension: Dimension
    unit: str
    higher_is_better: bool
    benchmarks: list[str]
    n: int
    confidence: float
    error: float
    recipes: list[Ranked]
    pairs: list[RecipePair]
    left_out: dict[str, str] = {}

    def answer(self, pair: RecipePair) -> Literal["better", "worse", "not told apart"]:
        """Return if the first recipe of a pair is shown to be better or worse than the second, or neither."""
        if pair.better is None:
            return "not told apart"
        return "better" if pair.better == pair.first else "worse"
