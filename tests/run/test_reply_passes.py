"""Several replies per item are one score per item, and none if one of them could not be scored."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation, ItemBenchmark, Scored
from pytest_unicomp.run.reply_passes import scored_in_passes
from tests.toys import item

Scores = list[float | None]


@dataclass(frozen=True, kw_only=True)
class Passes(ItemBenchmark):
    """Gives each pass its own scores of the items a, b, c, ..."""

    given: list[Scores]
    capability: str = "reasoning"
    metric: str = "exact_match"
    names: str = "abcdefgh"
    done: list[Scores] = field(default_factory=list)

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        return {}

    def score(self, engine: Any, evaluation: Evaluation) -> Scored:
        scores = self.given[len(self.done)]
        self.done.append(scores)
        items = tuple(item(name, score) for name, score in zip(self.names, scores, strict=False))
        missing = sum(score is None for score in scores)
        return Scored(items=items, chance=None, template="none", generation={"max_gen_toks": 3}, engine="toy", unjudged=missing)


def scored(*passes: Scores) -> Scored:
    engine = SimpleNamespace(tokenizer=None, path=Path("/nowhere"), lm=SimpleNamespace())
    how = Evaluation(limit=None, seed=0, bundle=None, device="cpu", dtype="auto", replies=len(passes))
    return scored_in_passes(Passes(given=list(passes)), engine, how)


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, None]), min_size=3, max_size=3), min_size=1, max_size=5))
def test_an_item_has_the_mean_of_all_its_replies_or_no_score(passes: list[Scores]) -> None:
    for place, found in enumerate(scored(*passes).items):
        own = [one[place] for one in passes]
        if None in own:
            assert found.score is None
        else:
            assert found.score == pytest.approx(sum(score or 0 for score in own) / len(own))


def test_replies_that_could_not_be_judged_are_counted_per_pass_and_rounded_up() -> None:
    assert scored([1.0, None], [None, None], [1.0, 1.0]).unjudged == 1
    assert scored([1.0, None], [None, None], [1.0, None]).unjudged == 2


def test_a_pass_with_other_items_is_an_error() -> None:
    with pytest.raises(InfrastructureError, match="other items than the first"):
        scored([1.0, 1.0], [1.0])
