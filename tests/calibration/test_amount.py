from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Model
from pytest_unicomp.calibration import mixture


def test_text_longer_than_the_model_s_context_is_refused(model: Model, bundle: Path) -> None:
    with pytest.raises(UsageProblem, match="--unicomp-calibration-tokens=65 is longer than the context of some/model, 64 tokens"):
        mixture.build("generic", model=model, seed=0, bundle=bundle, tokens=65)


def test_too_little_text_is_refused(model: Model, bundle: Path) -> None:
    with pytest.raises(UsageProblem, match="2 x 40 tokens of calibration text were requested, expected at least 256"):
        mixture.build("generic", model=model, seed=0, bundle=bundle, samples=2, tokens=40)


def test_the_limit_per_document_follows_the_model_s_context(model: Model, bundle: Path) -> None:
    assert mixture.build("reasoning", model=model, seed=0, bundle=bundle, samples=4).tokens == 64
