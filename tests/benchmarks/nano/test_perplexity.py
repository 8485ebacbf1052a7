"""Held-out documents of the embedded world cost nats per token, whatever else is scored with them."""

from __future__ import annotations

import pytest

from pytest_unicomp.benchmarks.nano import perplexity
from pytest_unicomp.engine import Engine
from pytest_unicomp.nano import world
from tests.engine.toy_engine import canned, evaluation


def test_documents_cost_nats_per_token_with_every_token_counted(tiny: Engine) -> None:
    scored = perplexity.BENCHMARKS["nano-perplexity"].score(canned_rolling(tiny), evaluation(limit=5))
    texts = {f"document-{number:04d}": text for number, text in enumerate(world.held_out_text(), start=1)}
    for item in scored.items:
        text = texts[item.id]
        assert item.score == pytest.approx(len(text) / len(text.encode()))
    assert scored.chance is None


def test_real_documents_are_scored_alike_in_any_company_and_print_nothing(tiny: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    few = perplexity.BENCHMARKS["nano-perplexity"].score(tiny, evaluation(limit=3))
    more = perplexity.BENCHMARKS["nano-perplexity"].score(tiny, evaluation(limit=6))
    assert [item.score for item in few.items] == pytest.approx([item.score for item in more.items[:3]], rel=1e-5)
    assert all(item.score is not None and item.score > 1 for item in few.items)
    assert capfd.readouterr() == ("", "")


def canned_rolling(tiny: Engine) -> Engine:
    engine = canned(tiny, str)
    engine.lm.tok_encode = tiny.lm.tok_encode
    return engine


def test_the_catalogue_has_the_number_of_documents() -> None:
    assert perplexity.BENCHMARKS["nano-perplexity"].items == len(world.held_out_text())
