from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp import engine
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.registry import methods
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.methods.architectures import ARCHITECTURES, support
from pytest_unicomp.methods.decoder import linear_layers
from pytest_unicomp.methods.experts import split_experts
from pytest_unicomp.methods.support import unsupported
from pytest_unicomp.run.compress import require_supported
from tests.methods.tiny import calibration, checkpoint, load, run

BITS = {"rtn-w8a16": 8, "rtn-w4a16": 4, "rtn-w3a16": 3, "gptq-w8a16": 8, "gptq-w4a16": 4, "awq-w4a16": 4, "autoawq-w4a16": 4}
BITS |= {"smoothquant-w8a8": 8, "fp8-dynamic": 8, "fp8-block": 8, "sparsegpt-2of4-fp8": 8, "w4a16-asym": 4, "autoround-w4a16": 4}
BITS |= {"spinquant-w4a16": 4, "nvfp4a16": 4.5, "mxfp4a16": 4.25}
FEWER_EXPERTS = ("reap-25", "reap-50")
HALF = ("magnitude-50", "wanda-50", "wanda-2of4", "sparsegpt-50", "sparsegpt-2of4", "sparsegpt-2of4-fp8")
COMPRESSING = [name for name, method in methods().items() if method.family in ("pruning", "quantization")]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Name of a family and a small model of it."""
    kind = str(ARCHITECTURES[request.param]["model_type"])
    return request.param, checkpoint(tmp_path_factory.mktemp("architectures") / kind, kind, dtype="bfloat16")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", COMPRESSING)
def test_a_recipe_works_on_an_architecture_or_says_beforehand_why_not(architecture: tuple[str, Path], recipe: str, tmp_path: Path) -> None:
    name, source = architecture
    method = methods()[recipe]
    config = json.loads((source / "config.json").read_text())
    reason = method.refusal(config)
    assert reason == support(method)[name]
    if reason is not None:
        with pytest.raises(UsageProblem, match=f"recipe '{recipe}' cannot compress"):
            require_supported(config, "tiny", recipe, method)
        return
    folder = run(recipe, source, tmp_path / "out", calibration(documents=6))
    # compressed-tensors unpacks 4-bit floats to a dtype of its own, which the engine casts.
    model = engine.load(folder, device="cpu", dtype="bfloat16").model if "fp4" in recipe else load(folder)
    ids = torch.arange(3, 60)[None]
    with torch.inference_mode():
        assert bool(model(input_ids=ids).logits.isfinite().all())
    if recipe in FEWER_EXPERTS:
        assert model.config.num_experts < load(source).config.num_experts
        return
    layers = linear_layers(split_experts(model))
    assert len(layers) == len(linear_layers(split_experts(load(source))))
    if recipe in HALF:
        shares = {layer: float((module.weight == 0).float().mean()) for layer, module in layers.items()}
        assert shares == pytest.approx(dict.fromkeys(shares, 0.5), abs=1e-3)
    if recipe in BITS:
        assert stored_bits(folder) == pytest.approx(BITS[recipe], abs=0.4)
    else:
        assert hub.facts(folder).bytes == pytest.approx(hub.facts(source).bytes, rel=0.01)


SHORT = {"steps": 2, "batch": 2, "sequence": 64, "warmup": 1, "judged": 2}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [name for name, method in methods().items() if method.family == "distillation"])
def test_a_distillation_works_on_an_architecture_or_says_beforehand_why_not(
    architecture: tuple[str, Path], recipe: str, tmp_path: Path
) -> None:
    name, source = architecture
    method: Any = methods()[recipe]
    config = json.loads((source / "config.json").read_text())
    reason = method.refusal(config)
    assert reason == support(method)[name]
    if reason is not None:
        return
    short = replace(method, **{field.name: SHORT[field.name] for field in fields(method) if field.name in SHORT})
    model = load(run(short, source, tmp_path / "out", calibration(documents=6)))
    with torch.inference_mode():
        assert bool(model(input_ids=torch.arange(3, 60)[None]).logits.isfinite().all())
    assert sum(weight.numel() for weight in model.parameters()) < sum(weight.numel() for weight in load(source).parameters())


def stored_bits(folder: Path) -> float:
    """Bits per weight of the matrices in the blocks, scales and zero points included; routers and dense matrices would show as 16."""
    from safetensors import safe_open

    taken = weights = 0
    with safe_open(folder / "model.safetensors", "pt") as file:
        names = set(file.keys())
        for name in names:
            base, _, kind = name.rpartition(".")
            if f"{base}.weight_scale" not in names:
                continue
            tensor = file.get_tensor(name)
            if kind != "bias" and kind != "weight_shape":
                taken += 8 * tensor.numel() * tensor.element_size()
            if kind == "weight_packed" and f"{base}.weight_shape" not in names:
                weights += 2 * tensor.numel()
            elif kind == "weight_shape":
                weights += int(tensor.prod())
            elif kind == "weight":
                weights += tensor.numel()
        compressed = {name.rpartition(".")[0] for name in names if name.endswith(".weight_scale")}
    assert len(compressed) == len(linear_layers(split_experts(load(folder))))
    return taken / weights


def test_every_architecture_is_asked_of_every_recipe_and_each_reason_is_one_phrase() -> None:
    for name, method in methods().items():
        answers = support(method)
        assert list(answers) == list(ARCHITECTURES)
        for reason in filter(None, answers.values()):
            assert "\n" not in reason, name
            assert not reason.endswith("."), name
    assert support(methods()["dense"]) == dict.fromkeys(ARCHITECTURES)


@pytest.mark.parametrize(
    ("config", "phrase"),
    [
        ({"model_type": "llama", "quantization_config": {"quant_method": "awq"}}, "quantized already (awq)"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "encoder with a decoder"),
        ({"model_type": "gpt2"}, "Conv1D"),
        ({"model_type": "gpt_oss", "num_local_experts": 32}, "experts"),
    ],
)
def test_what_no_recipe_can_do_is_said_from_the_configuration_alone(config: dict[str, object], phrase: str) -> None:
    assert phrase in str(unsupported(config))
    for name in COMPRESSING:
        assert methods()[name].refusal(config), name


def test_opt_with_norms_behind_its_layers_is_refused_where_scales_would_move_through_them() -> None:
    config = {**ARCHITECTURES["OPT"], "do_layer_norm_before": False}
    assert "do_layer_norm_before" in str(methods()["smoothquant-w8a8"].refusal(config))
    assert methods()["gptq-w4a16"].refusal(config) is None


def test_experts_are_pruned_each_and_the_router_is_not(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", "qwen3_moe")
    dense, pruned = load(source), load(run("magnitude-50", source, tmp_path / "out"))
    block, before = pruned.model.layers[1].mlp, dense.model.layers[1].mlp
    for expert in range(4):
        assert float((block.experts.down_proj[expert] == 0).float().mean()) == pytest.approx(0.5)
    assert torch.equal(block.gate.weight, before.gate.weight)
    assert set(checkpoint_names(tmp_path / "out")) == set(checkpoint_names(source))


def checkpoint_names(folder: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        return list(file.keys())


def test_the_command_shows_the_matrix_and_says_why_in_json() -> None:
    from typer.testing import CliRunner

    from pytest_unicomp.cli import app

    table = CliRunner().invoke(app, ["methods"])
    line = next(line for line in table.stdout.splitlines() if line.startswith("smoothquant-w8a8"))
    assert line.endswith("all but Qwen3-MoE")
    rows = {row["recipe"]: row for row in json.loads(CliRunner().invoke(app, ["methods", "--json"]).stdout)}
    assert rows["smoothquant-w8a8"]["architectures"]["Qwen3-MoE"] == "transformers cannot load experts in 8-bit integers"
    assert rows["gptq-w4a16"]["architectures"] == dict.fromkeys(ARCHITECTURES)
