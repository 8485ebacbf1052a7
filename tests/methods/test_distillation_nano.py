"""On the embedded model: a short distillation makes each student better than the cut alone, on held-out text."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.protocols import Calibration
from pytest_unicomp.api.registry import methods
from pytest_unicomp.calibration import mixture
from pytest_unicomp.methods.source import load_tokenizer
from pytest_unicomp.nano.evaluate import perplexity
from tests.methods.tiny import load, run
from tests.toys import reference

pytestmark = pytest.mark.slow
DOCUMENTS = 100


@cache
def text(samples: int | None = None) -> Calibration:
    drawn = mixture.build("generic", model=reference(), seed=0, bundle=None, samples=samples)
    return replace(drawn, more=text)


@pytest.mark.parametrize("recipe", ["minitron-depth", "minitron-width", "low-rank-clone"])
def test_a_trained_student_reads_held_out_text_better_than_an_untrained_one(recipe: str, tmp_path: Path) -> None:
    source = Path(reference().path)
    tokenizer = load_tokenizer(source)
    method: Any = methods()[recipe]
    found = {}
    for name, changes in {"untrained": {"steps": 1, "learning_rate": 1e-12}, "trained": {"steps": 30}}.items():
        made = run(replace(method, **changes), source, tmp_path / name, text())
        found[name] = perplexity(load(made).float(), tokenizer, DOCUMENTS)
    dense = perplexity(load(source).float(), tokenizer, DOCUMENTS)
    # At least a fifth of what the cut costs is won back by 30 of the recipe's steps.
    assert dense < found["trained"] < found["untrained"]
    assert found["trained"] - dense < 0.8 * (found["untrained"] - dense)
