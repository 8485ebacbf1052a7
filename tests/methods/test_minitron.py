from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp.errors import InfrastructureError, UnicompError
from pytest_unicomp.methods.decoder import block_list
from pytest_unicomp.methods.depth import loss, losses_without, without_layers
from pytest_unicomp.methods.distillation import blocks, divergence, places
from pytest_unicomp.methods.minitron import MinitronDepth
from pytest_unicomp.methods.tokens import encode
from tests.methods.tiny import calibration, checkpoint, contents, load, run

SHORT = MinitronDepth(share=1 / 3, steps=8, batch=4, sequence=64, warmup=2, judged=4)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three layers, the middle one an identity: it adds nothing to the residual stream."""
    folder = checkpoint(tmp_path_factory.mktemp("idle") / "model", layers=3)
    model = load(folder)
    with torch.no_grad():
        model.model.layers[1].self_attn.o_proj.weight.zero_()
        model.model.layers[1].mlp.down_proj.weight.zero_()
        for layer in (model.model.layers[0], model.model.layers[2]):
            layer.mlp.down_proj.weight.mul_(4)
    # A model that has learned its text, so that layers other than the idle one matter.
    learn(model, folder)
    model.save_pretrained(folder)
    return folder


def learn(model: Any, folder: Path) -> None:
    weights = [weight for name, weight in model.named_parameters() if ".layers.1." not in name]
    optimizer = torch.optim.Adam(weights, lr=3e-3)
    ids = torch.cat(encode(folder, calibration(), recipe="test"))
    for _ in range(30):
        value = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    model.zero_grad()


@pytest.fixture(scope="module")
def distilled(idle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(SHORT, idle, tmp_path_factory.mktemp("distilled") / "out", calibration())


def test_the_layer_that_does_nothing_is_the_one_that_goes(idle: Path, distilled: Path) -> None:
    record = json.loads((distilled / "distillation.json").read_text())
    assert record["dropped"] == [1, 1]
    assert record["losses_without"][1] == pytest.approx(record["loss"], rel=1e-4)
    assert min(record["losses_without"][0], record["losses_without"][2]) > record["loss"] + 0.05


def test_dropping_a_layer_that_does_nothing_leaves_the_teacher(distilled: Path) -> None:
    curve = json.loads((distilled / "distillation.json").read_text())["divergence"]
    assert curve[0] == pytest.approx(0.0, abs=1e-5)


def test_the_divergence_from_the_teacher_goes_down(llama: Path, tmp_path: Path) -> None:
    method = MinitronDepth(steps=40, batch=4, sequence=64, warmup=2, judged=4)
    curve = json.loads((run(method, llama, tmp_path / "out", calibration()) / "distillation.json").read_text())["divergence"]
    assert len(curve) == 40
    assert sum(curve[-5:]) < 0.6 * sum(curve[:5])


def test_the_smaller_checkpoint_loads_with_layers_numbered_anew(idle: Path, distilled: Path) -> None:
    model = load(distilled)
    assert model.config.num_hidden_layers == len(model.model.layers) == 2
    assert [layer.self_attn.layer_idx for layer in model.model.layers] == [0, 1]
    ids = torch.tensor([[5, 6, 7, 8]])
    generated = model.generate(ids, max_new_tokens=2, do_sample=False)
    assert generated.shape[1] > 4
    assert {file.name for file in distilled.iterdir()} == {file.name for file in idle.iterdir()} | {"distillation.json"}


def test_the_same_data_and_seed_give_the_same_files_and_another_seed_does_not(idle: Path, distilled: Path, tmp_path: Path) -> None:
    assert contents(run(SHORT, idle, tmp_path / "again", calibration())) == contents(distilled)
    other = contents(run(SHORT, idle, tmp_path / "other", calibration(), seed=1))
    assert other["model.safetensors"] != contents(distilled)["model.safetensors"]


def test_the_reference_s_dtype_is_kept(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", "qwen2", layers=3, dtype="bfloat16")
    assert load(run(SHORT, source, tmp_path / "out", calibration())).dtype is torch.bfloat16


def test_a_cut_takes_per_layer_settings_along_and_puts_everything_back(tmp_path: Path) -> None:
    model = load(checkpoint(tmp_path / "model", "gemma2", layers=4, sliding_window=8))
    before, kinds = loss(model, [torch.arange(5, 40)[None]]), list(model.config.layer_types)
    with without_layers(model, 1, 1):
        assert model.config.layer_types == [kinds[0], *kinds[2:]]
        assert len(block_list(model)[1]) == 3
        assert loss(model, [torch.arange(5, 40)[None]]) != before
    assert model.config.layer_types == kinds
    assert loss(model, [torch.arange(5, 40)[None]]) == before


def test_losses_cover_every_contiguous_block(idle: Path) -> None:
    documents = encode(idle, calibration(documents=4), recipe="test")
    assert len(losses_without(load(idle), 2, documents)) == 2
    assert len(losses_without(load(idle), 1, documents)) == 3


def test_divergence_is_the_textbook_sum_in_float64() -> None:
    draw = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randn(2, 3, 7, generator=draw) for _ in range(2))
    p, q = ((logits.double() / 2).softmax(-1) for logits in (theirs, ours))
    expected = 4 * (p * (p / q).log()).sum(-1).mean()
    assert float(divergence(ours, theirs, 2.0)) == pytest.approx(float(expected), rel=1e-5)
    assert float(divergence(ours, ours, 2.0)) == pytest.approx(0.0, abs=1e-6)


def test_documents_are_joined_with_one_separator_and_cut_into_equal_blocks() -> None:
    documents = [torch.tensor([[1, 2, 3]]), torch.tensor([[4, 0]]), torch.tensor([[5, 6]])]
    assert blocks(documents, 4, 0) == [[1, 2, 3, 0], [4, 0, 5, 6]]
    assert blocks(documents, 100, 0) == [[1, 2, 3, 0, 4, 0, 5, 6, 0]]


def test_a_share_that_leaves_no_layer_is_refused(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(UnicompError, match="cannot drop 2 of 2 layers"):
        run(MinitronDepth(share=1.0), llama, tmp_path / "out", calibration())


def test_training_that_diverges_is_an_infrastructure_error(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="diverged"):
        run(MinitronDepth(steps=6, batch=2, sequence=64, learning_rate=1e30, judged=2), llama, tmp_path / "out", calibration())


def test_positions_begin_anew_after_every_separator_so_that_documents_in_a_block_are_hidden_from_each_other() -> None:
    assert places([1, 2, 0, 3, 0, 0, 4], 0) == [0, 1, 2, 0, 1, 0, 0]
    assert places([1, 2, 3], None) == [0, 1, 2]


def test_a_document_in_a_block_is_read_as_if_it_stood_alone(idle: Path) -> None:
    model = load(idle).float()
    first, second = [3, 4, 5, 1], [6, 7, 8, 1]
    block = torch.tensor([first + second])
    with torch.inference_mode():
        together = model(input_ids=block, position_ids=torch.tensor([places(block[0].tolist(), 1)]), use_cache=False).logits[0, 4:]
        alone = model(input_ids=torch.tensor([second]), use_cache=False).logits[0]
    assert torch.allclose(together, alone, atol=1e-5)
