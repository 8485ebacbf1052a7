"""The papers' promises hold on the embedded model: order of the methods by the loss of held-out text, paired text by text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp import engine
from pytest_unicomp.api.protocols import Calibration
from pytest_unicomp.calibration import mixture
from pytest_unicomp.compare.stats.means import mean, t_interval
from pytest_unicomp.engine.perplexity import nats_per_token
from pytest_unicomp.methods.gptq import Gptq
from pytest_unicomp.methods.rtn import RoundToNearest
from pytest_unicomp.nano import world
from tests.methods.tiny import load, run
from tests.toys import reference

pytestmark = pytest.mark.slow
# A third of what a run takes, for time; the differences that are tested show all the same.
SAMPLES = 24
Losses = dict[str, float]
Measure = Callable[[str | Any], Losses]


@pytest.fixture(scope="module")
def nano() -> Path:
    return Path(reference().path)


@pytest.fixture(scope="module")
def text() -> Calibration:
    return mixture.build("generic", model=reference(), seed=0, bundle=None, samples=SAMPLES)


def losses(folder: Path) -> Losses:
    """Nats per token of half of the held-out texts, as the benchmark nano-perplexity scores them."""
    texts = world.held_out_text()[::2]
    loaded = engine.load(folder, device="cpu", dtype="float32")
    return {text: loss for text, loss in zip(texts, nats_per_token(texts, loaded), strict=True) if loss is not None}


@pytest.fixture(scope="module")
def measure(nano: Path, text: Calibration, tmp_path_factory: pytest.TempPathFactory) -> Measure:
    """Compress nano with a recipe or method (not "dense") and return its losses; each is made once."""
    known: dict[str, Losses] = {}

    def of(recipe: str | Any) -> Losses:
        if str(recipe) not in known:
            folder = nano if recipe == "dense" else run(recipe, nano, tmp_path_factory.mktemp("quality") / "out", text)
            known[str(recipe)] = losses(folder)
        return known[str(recipe)]

    return of


def interval(candidate: Losses, reference: Losses) -> tuple[float, float]:
    """90 % interval of the mean difference in nats per token; positive where the candidate is worse."""
    assert candidate.keys() == reference.keys()
    return t_interval(mean([candidate[name] - reference[name] for name in reference]), confidence=0.9)


def test_sparsegpt_loses_no_more_than_wanda_at_half_the_weights(measure: Measure) -> None:
    assert interval(measure("sparsegpt-50"), measure("wanda-50"))[1] < 0.002


def test_gptq_loses_less_than_rounding_at_three_bits(measure: Measure) -> None:
    assert interval(measure(Gptq(bits=3)), measure(RoundToNearest(bits=3)))[1] < 0


def test_both_implementations_of_awq_lose_the_same_and_no_more_than_rounding(measure: Measure) -> None:
    lower, upper = interval(measure("awq-w4a16"), measure("autoawq-w4a16"))
    assert -0.003 < lower <= upper < 0.003
    assert interval(measure("awq-w4a16"), measure("rtn-w4a16"))[0] < 0
    assert interval(measure("autoawq-w4a16"), measure("rtn-w4a16"))[0] < 0


def test_eight_bits_lose_next_to_nothing_with_rounded_activations_too(measure: Measure) -> None:
    dense = measure("dense")
    for recipe in ("smoothquant-w8a8", "fp8-dynamic", "gptq-w8a16"):
        assert interval(measure(recipe), dense)[1] < 0.003, recipe


@pytest.fixture(scope="module")
def standing_out(nano: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nano with every fourth input of its norms 32 times as strong and the weights that read them 32 times as weak: the same function, exactly.

    Large language models have such inputs by themselves; nano's are even, and there Wanda has nothing to go by.
    """
    model = load(nano)
    channels = list(range(0, model.config.hidden_size, 4))
    with torch.no_grad():
        for layer in model.model.layers:
            attention, mlp = layer.self_attn, layer.mlp
            for norm, readers in (
                (layer.input_layernorm, (attention.q_proj, attention.k_proj, attention.v_proj)),
                (layer.post_attention_layernorm, (mlp.gate_proj, mlp.up_proj)),
            ):
                norm.weight[channels] *= 32
                for reader in readers:
                    reader.weight[:, channels] /= 32
    folder = tmp_path_factory.mktemp("standing-out") / "model"
    model.save_pretrained(folder)
    for file in nano.iterdir():
        if not (folder / file.name).exists():
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_wanda_sees_inputs_that_stand_out_and_magnitude_does_not(
    standing_out: Path, text: Calibration, measure: Measure, tmp_path: Path
) -> None:
    assert losses(standing_out) == pytest.approx(measure("dense"), abs=1e-5)
    wanda = losses(run("wanda-50", standing_out, tmp_path / "wanda", text))
    magnitude = losses(run("magnitude-50", standing_out, tmp_path / "magnitude", text))
    assert interval(wanda, magnitude)[1] < -0.02
    # |w / 32| x 32 ||x|| is |w| ||x||: Wanda prunes the same weights as if nothing stood out.
    assert wanda == pytest.approx(measure("wanda-50"), abs=1e-3)
