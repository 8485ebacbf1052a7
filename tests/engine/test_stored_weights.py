"""Weights that change their dtype are loaded tensor by tensor, and are those that transformers loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_unicomp import engine
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine import stored_weights
from tests.methods import tiny as checkpoints


@pytest.mark.parametrize("architecture", ["llama", "gemma", "opt", "gpt_neox", "qwen3_moe"])
@pytest.mark.parametrize("shards", [1, 3])
def test_converted_weights_are_those_that_transformers_loads(tmp_path: Path, architecture: str, shards: int) -> None:
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


def test_generation_settings_of_config_json_are_used_without_a_generation_config(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "half", dtype="bfloat16")
    (folder / "generation_config.json").unlink()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"eos_token_id": [2, 7]}), encoding="utf-8")
    assert engine.load(folder, device="cpu", dtype="auto").model.generation_config.eos_token_id == [2, 7]


@pytest.mark.parametrize("why", ["as stored", "except a counter", "quantized", "adapter", "other name"])
def test_folders_that_transformers_must_see_are_left_to_it(tmp_path: Path, why: str) -> None:
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoConfig

    folder = checkpoints.checkpoint(tmp_path / "model", dtype="float32" if why in ("as stored", "except a counter") else "bfloat16")
    whole = folder / "model.safetensors"
    if why == "except a counter":
        save_file({**load_file(whole), "position_ids": torch.arange(9)}, whole, metadata={"format": "pt"})
    if why == "quantized":
        folder = checkpoints.run("rtn-w4a16", folder, tmp_path / "packed")
    if why == "adapter":
        (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    if why == "other name":
        whole.rename(folder / "gptq_model.safetensors")
    assert stored_weights.lazy_state_dict(folder, AutoConfig.from_pretrained(folder), torch.float32) is None


def test_other_safetensors_files_are_ignored(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = checkpoints.checkpoint(tmp_path / "model", dtype="bfloat16")
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor * 0 for name, tensor in weights.items()}, folder / "old.safetensors")
    (folder / "optimizer.safetensors").write_bytes(b"no weights")
    loaded = engine.load(folder, device="cpu", dtype="auto").model.state_dict()
    for name, tensor in weights.items():
        torch.testing.assert_close(loaded[name], tensor.float(), rtol=0, atol=0)


def test_the_index_may_name_files_in_a_subfolder(tmp_path: Path) -> None:
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
def test_an_unreadable_generation_config_is_ignored(tmp_path: Path, text: str) -> None:
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


PEAK = """
import sys
from pathlib import Path
from transformers import LlamaForCausalLM
from pytest_unicomp import engine

def status(field):
    return next(int(line.split()[1]) * 1024 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))

before = status("VmRSS")
loaded = engine.load(Path(sys.argv[1]), device="cpu", dtype="auto")
weights = sum(parameter.numel() * parameter.element_size() for parameter in loaded.model.parameters())
print((status("VmHWM") - before) / weights)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak memory of a process is read from /proc")
def test_stored_and_converted_weights_are_never_both_in_memory(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "half", dtype="bfloat16", hidden_size=1024, intermediate_size=4096, layers=8)
    done = subprocess.run([sys.executable, "-c", PEAK, folder], capture_output=True, text=True, check=True)
    # With mapped files it is at least 1.5.
    assert 1 <= float(done.stdout) < 1.4
