"""Accelerated models compute the logits of the dequantized model, or stay dense and say why."""

import json
import shutil

import pytest
import torch

from pytest_unicomp import engine
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.api.registry import methods
from pytest_unicomp.engine.runtimes import accelerate, kernels, semi_structured
from pytest_unicomp.engine.runtimes.acceleration import NONE, TOLERANCE
from tests.methods.tiny import checkpoint


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    sizes = {
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
    }
    return checkpoint(tmp_path_factory.mktemp("dense") / "tiny", **sizes)


def compressed(source, folder, recipe):
    made, scratch = folder / recipe, folder / "scratch"
    made.mkdir()
    scratch.mkdir(exist_ok=True)
    methods()[recipe].compress(CompressionJob(source, made, None, 0, "cpu", lambda _: None, scratch))
    return made


@pytest.mark.parametrize(
    ("recipe", "kernel"),
    [
        ("rtn-w4a16", "torch int4 weight-only, group 128"),
        ("rtn-w3a16", "torch int4 weight-only, group 128 (codes of 3 bits)"),
        ("rtn-w8a16", "torch int8 weight-only, group 128"),
    ],
)
def test_accelerated_models_compute_the_dequantized_model(source, tmp_path, recipe, kernel):
    folder = compressed(source, tmp_path, recipe)
    plain = engine.load(folder, device="cpu", dtype="bfloat16")
    fast = engine.load(folder, device="cpu", dtype="bfloat16")
    runtime = accelerate(fast, folder)
    assert runtime.kernel == kernel
    assert runtime.layers == runtime.linear_layers - 1
    assert 0 <= runtime.error <= TOLERANCE
    tokens = torch.arange(60)[None]
    with torch.inference_mode():
        first, second = plain.model(tokens).logits.float(), fast.model(tokens).logits.float()
    # Other tokens than those of the runtime's own check.
    assert float((first - second).norm() / first.norm()) <= TOLERANCE
    assert not any(isinstance(module, torch.nn.Linear) for name, module in fast.model.named_modules() if "layers" in name)


def test_a_checkpoint_other_than_the_loaded_model_is_refused(source, tmp_path):
    folder = compressed(source, tmp_path, "rtn-w4a16")
    loaded = engine.load(folder, device="cpu", dtype="bfloat16")
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("weight_scale"))
    tensors[name] = tensors[name] * 3
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InfrastructureError, match="is not the same model"):
        accelerate(loaded, folder)


def test_formats_without_a_kernel_stay_dense_with_a_reason(source, tmp_path):
    assert accelerate(engine.load(source, device="cpu", dtype="bfloat16"), source).kernel == "dense bfloat16"
    folder = compressed(source, tmp_path, "rtn-w4a16")
    single = accelerate(engine.load(folder, device="cpu", dtype="float32"), folder)
    assert NONE in single.kernel
    assert "bfloat16 alone" in single.reason
    config = json.loads((folder / "config.json").read_text())
    changed = tmp_path / "changed"
    shutil.copytree(folder, changed)
    for group in config["quantization_config"]["config_groups"].values():
        group["input_activations"] = {"num_bits": 8, "type": "int"}
    (changed / "config.json").write_text(json.dumps(config), encoding="utf-8")
    activations = accelerate(engine.load(folder, device="cpu", dtype="bfloat16"), changed)
    assert (activations.layers, NONE in activations.kernel) == (0, True)


def test_fp8_checkpoints_run_on_the_fp8_kernel(source, tmp_path, monkeypatch):
    folder = compressed(source, tmp_path, "fp8-dynamic")
    plain = accelerate(engine.load(folder, device="cpu", dtype="bfloat16"), folder)
    assert (plain.layers, plain.reason) == (0, "torch computes fp8 on NVIDIA GPUs alone")
    # torch's operator also runs on a CPU, slowly.
    monkeypatch.setattr(kernels, "unavailable_reason", lambda format_, device: None)
    fast = engine.load(folder, device="cpu", dtype="bfloat16")
    runtime = accelerate(fast, folder)
    assert (runtime.kernel, runtime.layers) == ("torch fp8, activations rounded per token", runtime.linear_layers - 1)
    # The model with quantized activations differs by this much from the one without, and from itself in another dtype.
    assert 0 < runtime.error <= 0.25
    assert sum(type(module).__name__ == "Float8Linear" for module in fast.model.modules()) == runtime.layers


def pruned_checkpoint(source, folder, prune):
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, folder)
    tensors = load_file(folder / "model.safetensors")
    changed = {name: prune(tensor) if name.endswith("proj.weight") else tensor for name, tensor in tensors.items()}
    save_file({name: tensor.contiguous() for name, tensor in changed.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_pruned_weights_without_a_kernel_stay_dense_with_a_reason(source, tmp_path):
    half = pruned_checkpoint(source, tmp_path / "half", lambda weight: torch.where(weight.abs() < weight.abs().median(), 0, weight))
    found = accelerate(engine.load(half, device="cpu", dtype="bfloat16"), half)
    assert found.kernel.startswith("dense bfloat16: no accelerated kernel here (50 % of the weights are zero, without a structure")
    sparse = pruned_checkpoint(source, tmp_path / "sparse", semi_structured.prune_2of4)
    found = accelerate(engine.load(sparse, device="cpu", dtype="bfloat16"), sparse)
    assert found.kernel == "dense bfloat16: no accelerated kernel here (torch computes 2of4 on NVIDIA GPUs alone)"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="2:4 sparse products run on NVIDIA GPUs alone")
def test_2of4_weights_run_on_the_sparse_kernel(source, tmp_path):
    folder = pruned_checkpoint(source, tmp_path / "sparse", semi_structured.prune_2of4)
    runtime = accelerate(engine.load(folder, device="cuda:0", dtype="bfloat16"), folder)
    assert (runtime.kernel, runtime.layers) == ("torch 2:4 semi-structured", runtime.linear_layers)
