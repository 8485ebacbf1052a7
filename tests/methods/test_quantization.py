from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.methods.decoder import linear_layers
from pytest_unicomp.methods.gptq import Gptq
from pytest_unicomp.methods.rtn import RoundToNearest
from pytest_unicomp.methods.tokens import encode
from tests.methods.tiny import calibration, checkpoint, contents, load, run


def rounded(weight: torch.Tensor, bits: int, group: int = 128) -> torch.Tensor:
    """Round to nearest in ten lines: the reference."""
    grouped = weight.reshape(weight.shape[0], -1, group)
    scale = grouped.abs().amax(-1, keepdim=True) * 2 / (2**bits - 1)
    codes = (grouped / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (codes * scale).reshape(weight.shape)


@pytest.mark.parametrize("bits", [8, 4, 3])
def test_rtn_loads_as_the_ten_line_reference(bits: int, llama: Path, tmp_path: Path) -> None:
    quantized = load(run(f"rtn-w{bits}a16", llama, tmp_path / "out"))
    with torch.no_grad():
        quantized(input_ids=torch.tensor([[5, 6, 7]]))
    for name, layer in linear_layers(load(llama)).items():
        torch.testing.assert_close(quantized.get_submodule(name).weight, rounded(layer.weight, bits), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("bits", "most"), [(8, 8.3), (4, 4.3), (3, 3.3)])
def test_packed_weights_take_the_bits_they_claim(bits: int, most: float, llama: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    folder = run(f"rtn-w{bits}a16", llama, tmp_path / "out")
    with safe_open(folder / "model.safetensors", "pt") as file:
        stored = [file.get_tensor(name) for name in file.keys() if "_proj." in name]  # noqa: SIM118 (not a mapping)
    taken = sum(tensor.numel() * tensor.element_size() for tensor in stored)
    weights = sum(layer.weight.numel() for layer in linear_layers(load(llama)).values())
    # float32 scales add 32 bits to every 128 weights
    assert bits <= 8 * taken / weights < most


def test_facts_of_a_packed_checkpoint_count_the_unpacked_parameters(llama: Path, tmp_path: Path) -> None:
    dense = hub.facts(llama)
    packed = hub.facts(run("rtn-w4a16", llama, tmp_path / "out"))
    assert packed.parameters == dense.parameters == sum(weight.numel() for weight in load(llama).parameters())
    assert packed.bytes < 0.4 * dense.bytes
    assert packed.bits_per_weight == pytest.approx(8 * packed.bytes / packed.parameters)
    assert packed.quantization == "compressed-tensors pack-quantized: weights int4 in groups of 128"


def test_sparsity_of_a_packed_checkpoint_is_the_share_of_weights_that_dequantize_to_zero(llama: Path, tmp_path: Path) -> None:
    folder = run("rtn-w3a16", llama, tmp_path / "out")
    weights = torch.cat([rounded(layer.weight, 3).flatten() for layer in linear_layers(load(llama)).values()])
    assert hub.facts(folder).sparsity == pytest.approx(float((weights == 0).float().mean()), abs=1e-4)


def test_gptq_disturbs_the_outputs_on_its_calibration_data_less_than_rounding_does(llama: Path, tmp_path: Path) -> None:
    text = calibration(documents=16)
    dense = load(llama)
    errors = []
    for method in (Gptq(bits=4), RoundToNearest(bits=4)):
        model = load(run(method, llama, tmp_path / method.method, text))
        with torch.no_grad():
            pairs = [(dense(input_ids=ids).logits, model(input_ids=ids).logits) for ids in encode(llama, text, recipe="test")]
        errors.append(sum(float((ours - theirs).pow(2).sum()) for ours, theirs in pairs))
    assert errors[0] < errors[1]


def test_gptq_gives_the_same_files_twice_and_other_ones_for_other_text(llama: Path, tmp_path: Path) -> None:
    first, second, other = (run("gptq-w4a16", llama, tmp_path / str(i), calibration(seed=s)) for i, s in enumerate((0, 0, 1)))
    assert contents(first) == contents(second)
    assert contents(first)["model.safetensors"] != contents(other)["model.safetensors"]


@pytest.mark.parametrize("architecture", ["qwen2", "opt", "gemma2"])
def test_other_architectures_are_quantized_in_their_blocks_only(architecture: str, tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", architecture)
    model, dense = load(run("gptq-w4a16", source, tmp_path / "out", calibration())), load(source)
    assert all(hasattr(layer, "quantization_scheme") for layer in linear_layers(model).values())
    assert torch.equal(model.get_input_embeddings().weight, dense.get_input_embeddings().weight)
    ids = encode(source, calibration(), recipe="test")[0]
    with torch.no_grad():
        agreement = torch.nn.functional.cosine_similarity(model(input_ids=ids).logits, dense(input_ids=ids).logits, dim=-1)
    assert float(agreement.mean()) > 0.95


def test_a_group_size_that_does_not_divide_the_inputs_names_the_layer(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", intermediate_size=192)
    with pytest.raises(UnicompError, match=r"groups of 128 inputs, but layer model\.layers\.0\.mlp\.down_proj has 192"):
        run(RoundToNearest(), source, tmp_path / "out")


def test_a_checkpoint_that_is_quantized_already_is_refused(llama: Path, tmp_path: Path) -> None:
    quantized = run("rtn-w4a16", llama, tmp_path / "first")
    for number, recipe in enumerate(("rtn-w8a16", "gptq-w4a16", "wanda-50", "magnitude-50", "minitron-depth")):
        with pytest.raises(UnicompError, match="is quantized already"):
            run(recipe, quantized, tmp_path / str(number), calibration())
