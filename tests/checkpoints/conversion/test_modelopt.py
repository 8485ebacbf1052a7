"""A ModelOpt checkpoint is evaluated with the weights, the rounded inputs and the rounded cache that it declares."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp import engine
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import checks, conversion
from tests.checkpoints.conversion import modelopt_toys
from tests.methods import tiny


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.checkpoint(tmp_path_factory.mktemp("models") / "llama")


def converted(folder: Path, destination: Path) -> Any:
    """The model that a folder is evaluated as."""
    assert conversion.needed(folder) == "modelopt"
    conversion.require_convertible(folder)
    destination.mkdir()
    conversion.convert(folder, destination)
    return engine.load(destination, device="cpu", dtype="float32").model


def logits(model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(torch.arange(3, 60)[None]).logits


@pytest.mark.parametrize("beside", [False, True], ids=["declared in config.json", "declared beside it"])
@pytest.mark.parametrize("algorithm", ["FP8", "W4A16_NVFP4"])
def test_weights_are_those_that_are_unpacked_by_hand(llama: Path, tmp_path: Path, algorithm: str, beside: bool) -> None:
    import torch

    model = converted(modelopt_toys.write(llama, tmp_path / "modelopt", algorithm, beside=beside), tmp_path / "made")
    by_hand = engine.load(tmp_path / "modelopt-dense", device="cpu", dtype="float32").model
    # NVFP4 is unpacked in bfloat16, which rounds in the eighth bit.
    tolerance = {"FP8": 1e-4, "W4A16_NVFP4": 0.02}[algorithm]
    found = dict(model.named_parameters())
    for name, weight in by_hand.named_parameters():
        assert float((found[name] - weight).detach().norm()) <= tolerance * float(weight.detach().norm()), name
    dense = engine.load(llama, device="cpu", dtype="float32").model
    assert float((logits(model) - logits(dense)).norm()) > 2 * tolerance * float(logits(dense).norm())
    assert torch.equal(model.model.norm.weight, dense.model.norm.weight)


def test_fp8_rounds_inputs_by_the_stored_scale(llama: Path, tmp_path: Path) -> None:
    import torch

    model = converted(modelopt_toys.write(llama, tmp_path / "modelopt", "FP8", inputs=4.0), tmp_path / "made")
    layer = model.model.layers[1].mlp.up_proj
    given = torch.randn(1, 3, 128, generator=torch.Generator().manual_seed(0))
    scale = 4.0 / 448
    rounded = (given / scale).clamp(-448, 448).to(torch.float8_e4m3fn).float() * scale
    with torch.inference_mode():
        torch.testing.assert_close(layer(given), torch.nn.functional.linear(rounded, layer.weight), rtol=1e-5, atol=1e-5)


def test_nvfp4_rounds_inputs_to_eight_levels_of_each_sign(llama: Path, tmp_path: Path) -> None:
    import torch

    model = converted(modelopt_toys.write(llama, tmp_path / "modelopt", "NVFP4", inputs=4.0), tmp_path / "made")
    layer = model.model.layers[1].mlp.up_proj
    torch.testing.assert_close(layer.input_global_scale, torch.tensor([448 * 6 / 4.0]))
    layer.weight.data = torch.eye(128)
    given = torch.randn(1, 3, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        rounded = layer(given)
    groups = rounded.reshape(3, 8, 16)
    assert max(len(group.abs().unique()) for row in groups for group in row) <= 8
    assert 0.02 < float((rounded - given).norm() / given.norm()) < 0.2


@pytest.mark.parametrize("beside", [False, True], ids=["declared in config.json", "declared beside it"])
def test_a_layer_without_its_scale_of_inputs_is_no_sound_export(llama: Path, tmp_path: Path, beside: bool) -> None:
    from safetensors.torch import load_file, save_file

    folder = modelopt_toys.write(llama, tmp_path / "modelopt", "FP8", beside=beside)
    held = load_file(folder / "model.safetensors")
    lost = next(name for name in held if name.endswith("input_scale"))
    save_file({name: tensor for name, tensor in held.items() if name != lost}, folder / "model.safetensors", metadata={"format": "pt"})
    [failed] = [finding for finding in checks.inspect(folder, llama) if finding.status == "fail"]
    source = "hf_quant_config.json" if beside else "config.json"
    layer = lost.removesuffix(".input_scale")
    assert (failed.check, failed.found) == (
        "declared-bits",
        f"{source} declares modelopt FP8: {layer}: it has no input_scale, by which its inputs are rounded",
    )
    with pytest.raises(UsageProblem, match=rf"is not what {re.escape(source)} declares \(modelopt FP8\): it has no input_scale"):
        conversion.require_convertible(folder)


@pytest.mark.parametrize("beside", [False, True], ids=["declared in config.json", "declared beside it"])
def test_scales_of_the_cache_reach_the_attention_layers(llama: Path, tmp_path: Path, beside: bool) -> None:
    model = converted(modelopt_toys.write(llama, tmp_path / "modelopt", "FP8", beside=beside, cache=True), tmp_path / "made")
    attention = model.model.layers[0].self_attn
    assert float(attention.k_scale) == pytest.approx(0.01)
    with_cache = logits(model)
    for layer in model.model.layers:
        layer.self_attn.quantization_enabled = False
    assert float((logits(model) - with_cache).abs().max()) > 1e-3


def test_what_is_not_computed_here_is_refused_before_anything_runs(llama: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = modelopt_toys.write(llama, tmp_path / "modelopt", "FP8", cache=True)
    config = json.loads((folder / "config.json").read_text())
    for changes, words in (
        ({"quant_algo": "W4A8_AWQ"}, "quant_algo W4A8_AWQ is not read here"),
        ({"kv_cache_scheme": {"num_bits": 4, "type": "float"}}, "KV cache .* is not rounded here"),
    ):
        (folder / "config.json").write_text(json.dumps(config | {"quantization_config": config["quantization_config"] | changes}))
        with pytest.raises(UsageProblem, match=words):
            conversion.require_convertible(folder)
    (folder / "config.json").write_text(json.dumps(config))
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"model.layers.0.mlp.up_proj.pre_quant_scale": weights["model.norm.weight"].clone()}, folder / "model.safetensors")
    with pytest.raises(UsageProblem, match="up_proj of this ModelOpt checkpoint has a pre_quant_scale; serve it"):
        conversion.require_convertible(folder)


def test_what_modelopt_itself_exports_is_what_is_written_here(llama: Path, tmp_path: Path) -> None:
    """Exported by ModelOpt, unpacked by hand: codes times scale."""
    pytest.importorskip("modelopt", reason="pip install nvidia-modelopt omegaconf pulp to export with it")
    import modelopt.torch.quantization as quantization
    import torch
    from modelopt.torch.export import export_hf_checkpoint
    from safetensors.torch import load_file

    model = tiny.load(llama).to(torch.bfloat16)
    draw = torch.Generator().manual_seed(0)
    quantization.quantize(model, quantization.FP8_DEFAULT_CFG, lambda found: found(torch.randint(3, 259, (2, 32), generator=draw)))
    export_hf_checkpoint(model, export_dir=str(tmp_path / "modelopt"))
    tiny.save_tokenizer(tmp_path / "modelopt")
    stored = load_file(tmp_path / "modelopt" / "model.safetensors")
    made = converted(tmp_path / "modelopt", tmp_path / "made")
    for name, parameter in made.named_parameters():
        if name.endswith("_proj.weight"):
            torch.testing.assert_close(parameter, stored[name].float() * stored[f"{name}_scale"])
