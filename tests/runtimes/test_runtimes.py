"""The fast runtimes compute the same model as its dequantized form, or say why there is none."""

import json
import shutil

import pytest
import torch

from pytest_unicomp import engine
from pytest_unicomp.errors import InfrastructureError
from pytest_unicomp.registry import methods
from pytest_unicomp.runtimes import accelerate
from pytest_unicomp.runtimes.acceleration import NONE, TOLERANCE
from pytest_unicomp.runtimes.weight_only import classes
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
    methods()[recipe].compress(source, made, None, seed=0, device="cpu", progress=lambda _: None, scratch=scratch)
    return made


@pytest.mark.parametrize(
    ("recipe", "kernel"),
    [
        ("rtn-w4a16", "torch int4 weight-only, group 128"),
        ("rtn-w3a16", "torch int4 weight-only, group 128 (codes of 3 bits)"),
        ("rtn-w8a16", "torch int8 weight-only, group 128"),
    ],
)
def test_the_kernels_compute_the_dequantized_model(source, tmp_path, recipe, kernel):
    folder = compressed(source, tmp_path, recipe)
    plain = engine.load(folder, device="cpu", dtype="bfloat16")
    fast = engine.load(folder, device="cpu", dtype="bfloat16")
    runtime = accelerate(fast, folder)
    assert runtime.kernel == kernel
    assert runtime.layers == runtime.of - 1
    assert 0 <= runtime.error <= TOLERANCE
    tokens = torch.arange(60)[None]
    with torch.inference_mode():
        first, second = plain.model(tokens).logits.float(), fast.model(tokens).logits.float()
    # Another text than the one that the runtime checked itself on.
    assert float((first - second).norm() / first.norm()) <= TOLERANCE
    assert not any(isinstance(module, torch.nn.Linear) for name, module in fast.model.named_modules() if "layers" in name)


def test_a_checkpoint_that_is_not_what_was_loaded_is_never_timed(source, tmp_path):
    folder = compressed(source, tmp_path, "rtn-w4a16")
    loaded = engine.load(folder, device="cpu", dtype="bfloat16")
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("weight_scale"))
    tensors[name] = tensors[name] * 3
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InfrastructureError, match="is not the same model"):
        accelerate(loaded, folder)


def test_what_has_no_kernel_is_named_and_left_dense(source, tmp_path):
    assert accelerate(engine.load(source, device="cpu", dtype="bfloat16"), source).kernel == "dense bfloat16"
    folder = compressed(source, tmp_path, "rtn-w4a16")
    single = accelerate(engine.load(folder, device="cpu", dtype="float32"), folder)
    assert NONE in single.kernel
    assert "bfloat16 alone" in single.why_not
    config = json.loads((folder / "config.json").read_text())
    changed = tmp_path / "changed"
    shutil.copytree(folder, changed)
    for group in config["quantization_config"]["config_groups"].values():
        group["input_activations"] = {"num_bits": 8, "type": "int"}
    (changed / "config.json").write_text(json.dumps(config), encoding="utf-8")
    activations = accelerate(engine.load(folder, device="cpu", dtype="bfloat16"), changed)
    assert (activations.layers, NONE in activations.kernel) == (0, True)


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_layer_multiplies_with_code_less_zero_times_scale(symmetric):
    torch.manual_seed(0)
    codes = torch.randint(-8, 8, (32, 128))
    scales, zeros = torch.rand(32, 2) / 8 + 0.01, torch.zeros(32, 2) if symmetric else torch.randint(-4, 4, (32, 2)).float()
    x, bias = torch.randn(3, 5, 128, dtype=torch.bfloat16), torch.randn(32, dtype=torch.bfloat16)
    weight = (codes - zeros.repeat_interleave(64, 1)) * scales.repeat_interleave(64, 1)
    expected = torch.nn.functional.linear(x.float(), weight, bias.float())
    int4, int8 = classes()
    found = int4(codes, scales, zeros, 64, bias, torch.bfloat16)(x).float()
    assert float((found - expected).norm() / expected.norm()) < 0.02
    if symmetric:
        found = int8(codes, scales, 64, bias, torch.bfloat16)(x).float()
        assert float((found - expected).norm() / expected.norm()) < 0.02
