"""Widths that 128 does not divide: the largest group that does is used, and the artifact, the plan and the report name it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp import engine
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.registry import methods
from pytest_unicomp.checkpoints import hub, model_config
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.methods import configured
from pytest_unicomp.methods.awq import Awq
from pytest_unicomp.methods.group_quantization import PER_CHANNEL, fitting_group
from pytest_unicomp.methods.rtn import RoundToNearest
from pytest_unicomp.run.compress import changed_settings, compress, require_supported
from pytest_unicomp.run.run import Run
from tests.methods.test_artifacts import how
from tests.methods.tiny import calibration, checkpoint, load, run
from tests.toys import reference

SMOL = {"hidden_size": 576, "intermediate_size": 1536, "num_attention_heads": 9, "num_key_value_heads": 3}
# Widths of SmolLM-135M, Qwen2.5-0.5B and Gemma 2 2B; then one that needs groups of 32 and one that no group divides.
WIDTHS: dict[str, tuple[str, dict[str, Any], int]] = {
    "576": ("llama", SMOL, 64),
    "896": ("qwen2", {"hidden_size": 896, "intermediate_size": 4864, "num_attention_heads": 14, "num_key_value_heads": 2}, 128),
    "2304": ("gemma2", {"hidden_size": 2304, "intermediate_size": 9216, "num_attention_heads": 8, "head_dim": 256}, 128),
    "96": ("llama", {"hidden_size": 96, "intermediate_size": 160, "num_attention_heads": 3, "num_key_value_heads": 3}, 32),
    "72": ("llama", {"hidden_size": 72, "intermediate_size": 200}, PER_CHANNEL),
}
COMPRESSING = [name for name, method in methods().items() if method.family in ("pruning", "quantization")]
SMALL = ("96", "72")
# The widths of the feed-forward part in the models that are compressed: as odd as those above, and much narrower.
NARROW = {"576": {"intermediate_size": 320}, "896": {"intermediate_size": 640}}
# Blocks of 128 x 128 are all that kernels read; Gemma's norms are not invariant to a rotation.
REFUSED = {("fp8-block", "576"), ("spinquant-w4a16", "2304")}


def settings(method: Any, config: dict[str, Any]) -> Any:
    return method.for_model(config).settings()


@given(
    hidden=st.integers(1, 80).map(lambda n: 8 * n),
    feed_forward=st.integers(1, 160).map(lambda n: 8 * n),
    wanted=st.sampled_from([16, 32, 48, 64, 128, 256, PER_CHANNEL]),
)
def test_the_group_is_the_wanted_one_or_the_largest_smaller_one_that_divides_every_width(
    hidden: int, feed_forward: int, wanted: int
) -> None:
    config = {"hidden_size": hidden, "num_attention_heads": 1, "intermediate_size": feed_forward}
    found = fitting_group(config, wanted)
    dividing = [size for size in (128, 64, 32, wanted) if 0 < size <= wanted and hidden % size == 0 and feed_forward % size == 0]
    assert found == (PER_CHANNEL if wanted == PER_CHANNEL else max(dividing, default=None))


@pytest.mark.parametrize("width", WIDTHS)
def test_every_recipe_takes_every_width_or_refuses_it_from_the_configuration(width: str) -> None:
    kind, sizes, group = WIDTHS[width]
    config = {"model_type": kind, "num_attention_heads": 4, "num_key_value_heads": 4, **sizes}
    for name in COMPRESSING:
        method = methods()[name]
        reason = method.refusal(config)
        if reason is None and "group" in method.settings():
            assert settings(method, config)["group"] == group, name
        if width not in SMALL and (name, width) not in REFUSED and not name.startswith("reap"):
            assert reason is None, name


@pytest.mark.slow
@pytest.mark.parametrize("recipe", COMPRESSING)
@pytest.mark.parametrize("width", [width for width in WIDTHS if width != "2304"])
def test_a_recipe_compresses_a_model_of_any_width(width: str, recipe: str, tmp_path: Path) -> None:
    kind, sizes, _ = WIDTHS[width]
    source = checkpoint(tmp_path / "model", kind, layers=1, dtype="bfloat16", **{**sizes, **NARROW.get(width, {})})
    if methods()[recipe].refusal(json.loads((source / "config.json").read_text())):
        return
    # The engine, since transformers alone cannot run 4-bit floats.
    folder = run(recipe, source, tmp_path / "out", calibration(documents=4, tokens=72))
    model = engine.load(folder, device="cpu", dtype="bfloat16").model
    with torch.inference_mode():
        assert bool(model(input_ids=torch.arange(3, 60)[None]).logits.isfinite().all())


@pytest.mark.parametrize("recipe", ["rtn-w4a16", "gptq-w4a16", "awq-w4a16", "w4a16-asym"])
@pytest.mark.parametrize("width", SMALL)
def test_a_group_recipe_writes_the_group_that_the_width_takes(width: str, recipe: str, tmp_path: Path) -> None:
    kind, sizes, group = WIDTHS[width]
    source = checkpoint(tmp_path / "model", kind, layers=1, **sizes)
    folder = run(recipe, source, tmp_path / "out", calibration())
    (scheme,) = json.loads((folder / "config.json").read_text())["quantization_config"]["config_groups"].values()
    wanted = ("channel", None) if group == PER_CHANNEL else ("group", group)
    assert (scheme["weights"]["strategy"], scheme["weights"]["group_size"]) == wanted
    assert hub.facts(folder).parameters == hub.facts(source).parameters
    with torch.inference_mode():
        assert bool(load(folder)(input_ids=torch.arange(3, 60)[None]).logits.isfinite().all())


def test_the_artifact_s_settings_name_the_group_that_was_used(tmp_path: Path) -> None:
    source = reference(str(checkpoint(tmp_path / "model", layers=1, **WIDTHS["96"][1])))
    artifact = compress(source, "rtn-w4a16", methods()["rtn-w4a16"], how(tmp_path / "store"))
    assert artifact.settings == {"method": "rtn", "bits": 4, "group": 32}
    assert json.loads((Path(artifact.path) / "unicomp.json").read_text())["settings"] == artifact.settings


def test_a_change_is_told_before_the_run_and_no_change_is_not(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", layers=1, **WIDTHS["72"][1])
    assert changed_settings(model_config.configuration(folder), methods()["gptq-w4a16"]) == ["group -1 instead of 128"]
    assert changed_settings(model_config.configuration(folder), methods()["wanda-50"]) == []
    both = configured.table({"both": ["wanda-50", "rtn-w4a16"]})["both"]
    assert changed_settings(model_config.configuration(folder), both) == ["group -1 instead of 128"]


def test_the_plan_of_a_run_names_the_group_that_the_recipe_will_use(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", layers=1, **WIDTHS["96"][1])
    chosen = {"model": str(folder), "recipe": ["rtn-w4a16", "wanda-50"], "benchmark": ["bytes"], "cache": str(tmp_path / "store")}
    assert Run(resolve(chosen)).plan.notes == ("rtn-w4a16: group 32 instead of 128, as this model requires",)


def test_the_step_after_a_distillation_takes_the_group_of_the_student(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", layers=1, hidden_size=128, intermediate_size=256)
    shrink = {"method": "minitron-width", "hidden": 0.75, "multiple": 32, "steps": 1, "batch": 2, "sequence": 32, "warmup": 1, "judged": 2}
    both = configured.table({"both": [shrink, "rtn-w4a16"]})["both"]
    folder = run(both, source, tmp_path / "out", calibration())
    (scheme,) = json.loads((folder / "config.json").read_text())["quantization_config"]["config_groups"].values()
    assert json.loads((folder / "config.json").read_text())["hidden_size"] == 96
    assert scheme["weights"]["group_size"] == 32


@pytest.mark.parametrize(
    ("recipe", "sizes", "phrase"),
    [
        ("autoawq-w4a16", {"hidden_size": 72}, "none of them divides hidden_size 72"),
        (
            "autoawq-w4a16",
            {"hidden_size": 128, "num_key_value_heads": 1},
            "64 outputs at a time, which do not divide num_key_value_heads x",
        ),
        ("wanda-2of4", {"hidden_size": 128, "intermediate_size": 130}, "groups of 4 inputs, which do not divide intermediate_size 130"),
        ("sparsegpt-2of4-fp8", {"hidden_size": 128, "intermediate_size": 130}, "intermediate_size 130"),
    ],
)
def test_a_width_that_a_recipe_cannot_take_is_refused_from_the_configuration(recipe: str, sizes: dict[str, Any], phrase: str) -> None:
    config = {"model_type": "llama", "num_attention_heads": 4, "num_key_value_heads": 4, **sizes}
    with pytest.raises(UsageProblem, match=phrase) as caught:
        require_supported(config, "odd", recipe, methods()[recipe])
    assert "\n" not in str(caught.value)


def test_models_whose_widths_the_group_divides_keep_their_settings() -> None:
    config = {"model_type": "llama", "hidden_size": 4096, "num_attention_heads": 32, "intermediate_size": 14336}
    for method in (RoundToNearest(bits=3), Awq(grid=5)):
        assert method.for_model(config) == method
