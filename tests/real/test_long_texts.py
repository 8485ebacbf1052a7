"""SmolLM2-135M finds a needle in a text of 4,096 of its own tokens."""

from __future__ import annotations

import pytest

from pytest_unicomp import engine
from pytest_unicomp.benchmarks.performance.ruler.benchmark import BENCHMARKS
from tests.engine.toy_engine import evaluation

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_a_real_model_finds_a_number_in_four_thousand_tokens(smollm2, unpacked):
    loaded = engine.load(unpacked(smollm2), device="cpu", dtype="auto")
    (item,) = BENCHMARKS["ruler_single_4k"].score(loaded, evaluation(limit=1)).items
    assert (item.score, item.slice) == (1.0, "4096")
    assert item.target in (item.answer or "")
