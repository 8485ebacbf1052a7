from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.methods.decoder import linear_layers
from pytest_unicomp.methods.magnitude import zero_smallest
from pytest_unicomp.methods.tokens import encode
from pytest_unicomp.methods.wanda import Wanda
from tests.methods.tiny import calibration, checkpoint, contents, load, run

FIRST = "model.layers.0.self_attn.q_proj"


def input_norms(model: Any, source: Path, name: str) -> torch.Tensor:
    """||X_j||_2 over all calibration tokens, recorded with a hook of our own."""
    squares: list[torch.Tensor] = []
    hook = model.get_submodule(name).register_forward_hook(lambda module, args, output: squares.append(args[0][0].pow(2).sum(0)))
    with torch.no_grad():
        for ids in encode(source, calibration(), recipe="test"):
            model(input_ids=ids)
    hook.remove()
    return torch.stack(squares).sum(0).sqrt()


@pytest.fixture(scope="module")
def wanda(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run("wanda-50", llama, tmp_path_factory.mktemp("wanda") / "out", calibration())


def test_wanda_zeroes_the_lowest_weight_times_input_norm_of_every_row(llama: Path, wanda: Path) -> None:
    dense = load(llama)
    score = dense.get_submodule(FIRST).weight.abs() * input_norms(dense, llama, FIRST)
    lowest = score.argsort(dim=1)[:, :64]
    expected = torch.ones_like(score).scatter_(1, lowest, 0.0).bool()
    assert torch.equal(load(wanda).get_submodule(FIRST).weight != 0, expected)


def test_wanda_prunes_a_later_block_on_what_the_pruned_earlier_one_gives(llama: Path, wanda: Path) -> None:
    name = "model.layers.1.self_attn.q_proj"
    dense, half = load(llama), load(wanda)
    half.model.layers[1] = dense.model.layers[1]
    score = dense.get_submodule(name).weight.abs() * input_norms(half, llama, name)
    expected = torch.ones_like(score).scatter_(1, score.argsort(dim=1)[:, :64], 0.0).bool()
    assert torch.equal(load(wanda).get_submodule(name).weight != 0, expected)


def test_wanda_keeps_the_surviving_weights_as_they_were(llama: Path, wanda: Path) -> None:
    before, after = load(llama).get_submodule(FIRST).weight, load(wanda).get_submodule(FIRST).weight
    assert torch.equal(after[after != 0], before[after != 0])


def test_wanda_and_magnitude_choose_other_weights_at_the_same_sparsity(llama: Path, wanda: Path, tmp_path: Path) -> None:
    magnitude = run("magnitude-50", llama, tmp_path / "out")
    assert hub.facts(wanda).sparsity == pytest.approx(0.5)
    assert hub.facts(magnitude).sparsity == pytest.approx(0.5)
    ours, theirs = (load(folder).get_submodule(FIRST).weight != 0 for folder in (wanda, magnitude))
    assert not torch.equal(ours, theirs)


def test_two_of_four_zeroes_exactly_two_in_every_group_of_four(llama: Path, tmp_path: Path) -> None:
    model = load(run("wanda-2of4", llama, tmp_path / "out", calibration()))
    for layer in linear_layers(model).values():
        kept = (layer.weight != 0).reshape(layer.out_features, -1, 4).sum(-1)
        assert bool((kept == 2).all())


def test_embeddings_and_head_stay_dense(llama: Path, wanda: Path) -> None:
    dense, pruned = load(llama), load(wanda)
    assert torch.equal(dense.get_input_embeddings().weight, pruned.get_input_embeddings().weight)
    assert torch.equal(dense.get_output_embeddings().weight, pruned.get_output_embeddings().weight)


def test_the_same_data_and_seed_give_the_same_files_twice(llama: Path, wanda: Path, tmp_path: Path) -> None:
    again = run("wanda-50", llama, tmp_path / "again", calibration())
    assert contents(wanda) == contents(again)


def test_a_pruned_checkpoint_is_dense_on_disk_in_the_dtype_of_the_reference(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", dtype="bfloat16")
    pruned = run("magnitude-50", source, tmp_path / "out")
    assert load(pruned).dtype is torch.bfloat16
    assert hub.facts(pruned).bytes == hub.facts(source).bytes
    assert "quantization_config" not in (pruned / "config.json").read_text()


def test_magnitude_zeroes_the_smallest_and_no_more_where_magnitudes_tie() -> None:
    weight = torch.tensor([[3.0, -1.0, 1.0], [1.0, -5.0, 1.0]])
    zero_smallest(weight, 0.5, "cpu")
    assert weight.tolist() == [[3.0, 0.0, 0.0], [0.0, -5.0, 1.0]]


@pytest.mark.parametrize("architecture", ["qwen2", "opt", "gemma2"])
def test_other_architectures_are_pruned_to_half_in_their_blocks_only(architecture: str, tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", architecture)
    pruned = run("wanda-50", source, tmp_path / "out", calibration())
    model, dense = load(pruned), load(source)
    for name, layer in linear_layers(model).items():
        assert float((layer.weight == 0).float().mean()) == pytest.approx(0.5), name
    assert torch.equal(model.get_input_embeddings().weight, dense.get_input_embeddings().weight)


def test_a_pattern_that_does_not_divide_the_inputs_names_the_layer(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", intermediate_size=130)
    with pytest.raises(UnicompError, match=r"groups of 4 inputs, but layer model\.layers\.0\.mlp\.down_proj has 130"):
        run(Wanda(pattern="2:4"), source, tmp_path / "out", calibration())
