from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp import engine
from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.engine import Engine, stored_weights
from tests.methods import tiny as checkpoints


def test_on_cpu_auto_computes_in_float32_whatever_the_checkpoint_holds(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "half", dtype="bfloat16")
    assert engine.load(folder, device="cpu", dtype="auto").dtype == "float32"
    assert engine.load(folder, device="cpu", dtype="bfloat16").dtype == "bfloat16"


def test_loading_prints_nothing_and_contacts_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str], offline: None) -> None:
    folder = checkpoints.checkpoint(tmp_path / "model")
    capfd.readouterr()
    loaded = engine.load(folder, device="auto", dtype="auto")
    assert capfd.readouterr() == ("", "")
    assert loaded.max_length == 256


def test_a_checkpoint_that_lacks_weights_is_not_filled_with_random_ones(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = checkpoints.checkpoint(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    lost = "model.layers.1.mlp.up_proj.weight"
    save_file({name: tensor for name, tensor in weights.items() if name != lost}, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InfrastructureError, match=r"lacks 1 weights.*layers\.1\.mlp\.up_proj"):
        engine.load(folder, device="cpu", dtype="auto")


def test_a_folder_without_config_or_an_unknown_dtype_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"has no config\.json"):
        engine.load(tmp_path, device="cpu", dtype="auto")
    with pytest.raises(UsageProblem, match=r"dtype is 'int4'; expected one of auto"):
        engine.load(tmp_path, device="cpu", dtype="int4")


def test_packed_weights_are_unpacked_and_leave_no_wrapper(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model")
    packed = checkpoints.run("rtn-w4a16", source, tmp_path / "packed")
    loaded = engine.load(packed, device="cpu", dtype="auto")
    projection = loaded.model.model.layers[0].mlp.up_proj
    assert projection.weight.dtype == torch.float32
    assert type(projection._parameters) is dict
    rows = projection.weight[:, :128]
    assert max(len(row.unique()) for row in rows) <= 16
    tokens = torch.arange(3, 60)[None]
    with torch.inference_mode():
        torch.testing.assert_close(loaded.model(tokens).logits, checkpoints.load(packed)(tokens).logits, rtol=1e-4, atol=1e-4)


def rounded_by_hand(inputs: Any) -> Any:
    """Symmetric int8 with one scale per token, in three lines (compressed-tensors: scale = 2 max|x| / 255)."""
    scale = inputs.abs().amax(-1, keepdim=True) * 2 / 255
    return (inputs / scale).round().clamp(-128, 127) * scale


def fp8_by_hand(inputs: Any) -> Any:
    """FP8 E4M3, whose largest number is 448, with one scale per token."""
    import torch

    scale = inputs.abs().amax(-1, keepdim=True) / 448
    return (inputs / scale).to(torch.float8_e4m3fn).float() * scale


def test_w8a8_rounds_activations_token_by_token_so_that_an_outlier_drowns_the_rest(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model")
    folder = checkpoints.run("smoothquant-w8a8", source, tmp_path / "out", checkpoints.calibration())
    layer = engine.load(folder, device="cpu", dtype="auto").model.model.layers[0].mlp.up_proj
    inputs = torch.randn(3, 128, generator=torch.Generator().manual_seed(0))
    inputs[1, 5] = 1000.0
    exact = torch.nn.functional.linear(inputs, layer.weight)
    with torch.inference_mode():
        given = layer(inputs)
    torch.testing.assert_close(given, torch.nn.functional.linear(rounded_by_hand(inputs), layer.weight), rtol=1e-4, atol=1e-4)
    assert float((given[1] - exact[1]).abs().max()) > 10 * float((given[0] - exact[0]).abs().max())


def test_fp8_rounds_activations_to_three_bits_of_mantissa(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model")
    folder = checkpoints.run("fp8-dynamic", source, tmp_path / "out")
    layer = engine.load(folder, device="cpu", dtype="auto").model.model.layers[0].mlp.up_proj
    inputs = torch.randn(3, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = torch.nn.functional.linear(fp8_by_hand(inputs), layer.weight)
        torch.testing.assert_close(layer(inputs), expected, rtol=1e-3, atol=1e-3)


def test_weight_only_layers_have_their_plain_forward_back(tmp_path: Path) -> None:
    source = checkpoints.checkpoint(tmp_path / "model")
    wrapped = {}
    for recipe in ("rtn-w4a16", "fp8-dynamic"):
        model = engine.load(checkpoints.run(recipe, source, tmp_path / recipe), device="cpu", dtype="auto").model
        wrapped[recipe] = [
            name for name, module in model.named_modules() if getattr(module.forward, "__func__", None) is not type(module).forward
        ]
    assert wrapped["rtn-w4a16"] == []
    assert len(wrapped["fp8-dynamic"]) == 14


def test_experts_round_their_activations_too(tmp_path: Path) -> None:
    import torch

    source = checkpoints.checkpoint(tmp_path / "model", "qwen3_moe")
    folder = checkpoints.run("fp8-dynamic", source, tmp_path / "out")
    model, plain = engine.load(folder, device="cpu", dtype="auto").model, checkpoints.load(folder)
    expert = model.model.layers[0].mlp.experts[2]
    inputs = torch.randn(3, 128, generator=torch.Generator().manual_seed(0))
    inputs[0, 0] = 1000.0
    with torch.inference_mode():
        # Each token has its own scale, whoever else went to the same expert: the outlier of the first one is nobody else's.
        expected = torch.nn.functional.linear(fp8_by_hand(inputs), expert.up_proj.weight)
        torch.testing.assert_close(expert.up_proj(inputs), expected, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(expert.up_proj.weight, plain.model.layers[0].mlp.experts.gate_up_proj[2, 128:].float(), rtol=0, atol=0)


def test_batches_shrink_with_length_only_when_every_position_is_scored(tiny: Engine) -> None:
    short, long = tiny.batch_size(10, logits_everywhere=True), tiny.batch_size(8192, logits_everywhere=True)
    assert short == 64
    assert 1 <= long <= short
    assert long * 8192 * 259 * 8 <= 2**30
    assert tiny.batch_size(8192, logits_everywhere=False) == 64


def test_a_sharded_model_is_placed_by_a_device_map_and_scores_as_one_on_a_single_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The map of a machine without GPUs has one place, so the call is watched: who places the model, and that nothing moves it afterwards."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = checkpoints.checkpoint(tmp_path / "model")
    plain = engine.load(folder, device="cpu", dtype="float32")
    asked: list[Any] = []
    loading = AutoModelForCausalLM.from_pretrained

    def watched(*words: Any, **settings: Any) -> Any:
        asked.append(settings.get("device_map"))
        return loading(*words, **settings)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", watched)
    spread = engine.load(folder, device="cpu", dtype="float32", sharded=True)
    engine.load(folder, device="cpu", dtype="float32")
    assert asked == ["auto", None]
    tokens = torch.tensor([[5, 6, 7, 8]])
    with torch.inference_mode():
        assert torch.equal(spread.model(tokens).logits, plain.model(tokens).logits)


@pytest.mark.parametrize("architecture", ["llama", "gemma", "opt", "gpt_neox", "qwen3_moe"])
@pytest.mark.parametrize("shards", [1, 3])
def test_weights_that_are_converted_are_those_that_transformers_loads(tmp_path: Path, architecture: str, shards: int) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    folder = checkpoints.checkpoint(tmp_path / "half", architecture, dtype="bfloat16")
    (folder / "generation_config.json").write_text('{"repetition_penalty": 1.25, "eos_token_id": [2, 5]}', encoding="utf-8")
    if shards > 1:
        half = AutoModelForCausalLM.from_pretrained(folder)
        (folder / "model.safetensors").unlink()
        half.save_pretrained(folder, max_shard_size="200KB")
        assert len(list(folder.glob("*.safetensors"))) >= shards
    whole = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert stored_weights.lazy_state_dict(folder, whole.config, torch.float32) is not None
    loaded = engine.load(folder, device="cpu", dtype="auto").model
    assert loaded.config.name_or_path == str(folder)
    assert {name: str(weight.dtype) for name, weight in loaded.named_parameters()} == dict.fromkeys(
        dict(whole.named_parameters()), "torch.float32"
    )
    torch.testing.assert_close(dict(loaded.state_dict()), dict(whole.state_dict()), rtol=0, atol=0)
    tied = [model.get_output_embeddings().weight is model.get_input_embeddings().weight for model in (loaded, whole)]
    assert tied[0] == tied[1]
    assert loaded.generation_config.to_dict() == whole.generation_config.to_dict()


def test_what_config_json_says_of_generation_counts_where_nothing_else_does(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "half", dtype="bfloat16")
    (folder / "generation_config.json").unlink()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"eos_token_id": [2, 7]}), encoding="utf-8")
    assert engine.load(folder, device="cpu", dtype="auto").model.generation_config.eos_token_id == [2, 7]


@pytest.mark.parametrize("why", ["as stored", "but for a count", "quantized", "adapter", "other name"])
def test_weights_are_left_to_transformers_where_it_must_see_the_folder(tmp_path: Path, why: str) -> None:
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoConfig

    folder = checkpoints.checkpoint(tmp_path / "model", dtype="float32" if why in ("as stored", "but for a count") else "bfloat16")
    whole = folder / "model.safetensors"
    if why == "but for a count":
        save_file({**load_file(whole), "position_ids": torch.arange(9)}, whole, metadata={"format": "pt"})
    if why == "quantized":
        folder = checkpoints.run("rtn-w4a16", folder, tmp_path / "packed")
    if why == "adapter":
        (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    if why == "other name":
        whole.rename(folder / "gptq_model.safetensors")
    assert stored_weights.lazy_state_dict(folder, AutoConfig.from_pretrained(folder), torch.float32) is None


def test_what_lies_beside_the_weights_is_not_taken_for_them(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = checkpoints.checkpoint(tmp_path / "model", dtype="bfloat16")
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor * 0 for name, tensor in weights.items()}, folder / "old.safetensors")
    (folder / "optimizer.safetensors").write_bytes(b"no weights")
    loaded = engine.load(folder, device="cpu", dtype="auto").model.state_dict()
    for name, tensor in weights.items():
        torch.testing.assert_close(loaded[name], tensor.float(), rtol=0, atol=0)


def test_weights_in_a_folder_below_are_found_where_the_index_says(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = checkpoints.checkpoint(tmp_path / "model", dtype="bfloat16")
    (folder / "sub").mkdir()
    (folder / "model.safetensors").rename(folder / "sub/part.safetensors")
    weights = load_file(folder / "sub/part.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "sub/part.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    loaded = engine.load(folder, device="cpu", dtype="auto").model.state_dict()
    for name, tensor in weights.items():
        torch.testing.assert_close(loaded[name], tensor.float(), rtol=0, atol=0)


@pytest.mark.parametrize("text", ["", '{"a":', "[1"])
def test_a_generation_config_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    folder = checkpoints.checkpoint(tmp_path / "model", dtype="bfloat16")
    (folder / "generation_config.json").write_text(text, encoding="utf-8")
    assert engine.load(folder, device="cpu", dtype="auto").model.generation_config.eos_token_id == 2


def test_a_converted_checkpoint_that_lacks_weights_is_not_filled_with_random_ones(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = checkpoints.checkpoint(tmp_path / "model", dtype="bfloat16")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.0.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InfrastructureError, match=r"lacks 1 weights.*layers\.0\.mlp\.up_proj"):
        engine.load(folder, device="cpu", dtype="auto")


HELD = """
import sys
from pathlib import Path
from transformers import LlamaForCausalLM
from pytest_unicomp import engine

def held(field):
    return next(int(line.split()[1]) * 1024 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))

before = held("VmRSS")
loaded = engine.load(Path(sys.argv[1]), device="cpu", dtype="auto")
weights = sum(parameter.numel() * parameter.element_size() for parameter in loaded.model.parameters())
print((held("VmHWM") - before) / weights)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the most that a process held is read where Linux writes it")
def test_loading_does_not_hold_the_stored_weights_beside_the_converted_ones(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "half", dtype="bfloat16", hidden_size=1024, intermediate_size=4096, layers=8)
    done = subprocess.run([sys.executable, "-c", HELD, folder], capture_output=True, text=True, check=True)
    # With the files mapped it is 1.5 and more.
    assert 1 <= float(done.stdout) < 1.4
