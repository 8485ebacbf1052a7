from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Model
from pytest_unicomp.calibration import amount, mixture


def test_text_longer_than_the_model_s_context_is_refused(model: Model, bundle: Path) -> None:
    with pytest.raises(UsageProblem, match="--unicomp-calibration-tokens=65 is longer than the context of some/model, 64 tokens"):
        mixture.build("generic", model=model, seed=0, bundle=bundle, tokens=65)


def test_too_little_text_is_refused(model: Model, bundle: Path) -> None:
    with pytest.raises(UsageProblem, match="2 x 40 tokens of calibration text were requested, expected at least 256"):
        mixture.build("generic", model=model, seed=0, bundle=bundle, samples=2, tokens=40)


def test_the_limit_per_document_follows_the_model_s_context(model: Model, bundle: Path) -> None:
    assert mixture.build("reasoning", model=model, seed=0, bundle=bundle, samples=4).tokens == 64


def default(
    parameters: int, device: str, *, samples: int | None = None, tokens: int | None = None, context: int | None = 8192
) -> tuple[int, int, str]:
    found = amount.resolve(samples, tokens, "equal", model_name="org/name", context=context, parameters=parameters, device=device)
    return found.samples, found.tokens, found.reason


def test_an_accelerator_sees_the_usual_amount_whatever_the_model() -> None:
    assert default(70_000_000_000, "cuda") == (128, 2048, "")


@pytest.mark.parametrize(
    ("parameters", "samples", "tokens"),
    [(1_000_000, 128, 2048), (135_000_000, 64, 512), (8_000_000_000, 32, 512)],
)
def test_on_a_cpu_the_model_s_size_decides(parameters: int, samples: int, tokens: int) -> None:
    assert default(parameters, "cpu")[:2] == (samples, tokens)


def test_a_smaller_default_says_so_and_why() -> None:
    reason = "64 x 512 tokens instead of 128 x 2048, because 135 million weights are calibrated on a CPU"
    assert default(135_000_000, "cpu")[2] == reason


def test_what_is_asked_for_stays_and_only_the_rest_is_chosen() -> None:
    assert default(8_000_000_000, "cpu", samples=128, tokens=2048) == (128, 2048, "")
    assert default(135_000_000, "cpu", tokens=2048)[:2] == (32, 2048)
    assert default(135_000_000, "cpu", samples=16)[:2] == (16, 2048)


def test_the_context_bounds_the_length_on_every_device() -> None:
    assert default(1_000_000, "cpu", context=64) == default(1_000_000, "cuda", context=64) == (128, 64, "")
    assert default(135_000_000, "cpu", context=256)[:2] == (128, 256)
