from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.methods.decoder import block_list
from pytest_unicomp.methods.depth import qualities_without, quality, without_layers
from pytest_unicomp.methods.distillation_text import Row, pack
from pytest_unicomp.methods.minitron_depth import MinitronDepth
from pytest_unicomp.methods.tokens import encode
from tests.methods.tiny import calibration, checkpoint, contents, load, run

SHORT = MinitronDepth(share=1 / 3, steps=8, batch=4, sequence=64, warmup=2, judged=8, precision="float32")


def text(folder: Path, documents: int = 8) -> list[Row]:
    found = encode(folder, calibration(documents), recipe="test")
    return pack(found, [[True] * document.shape[1] for document in found], 64, 2)


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


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "distillation.json").read_text())
    return found


@pytest.mark.parametrize("judge", ["loss", "accuracy"])
def test_the_layer_that_does_nothing_is_the_one_that_goes(judge: str, idle: Path, distilled: Path, tmp_path: Path) -> None:
    folder = distilled if judge == "loss" else run(replace(SHORT, judge=judge, steps=1), idle, tmp_path / "out", calibration())
    choice = record(folder)["choice"]
    assert choice["dropped"] == [1, 1]
    assert choice["cuts"][1] == pytest.approx(choice["whole"], rel=1e-4)
    assert min(choice["cuts"][0]["loss"], choice["cuts"][2]["loss"]) > choice["whole"]["loss"] + 0.05
    assert max(choice["cuts"][0]["accuracy"], choice["cuts"][2]["accuracy"]) < choice["whole"]["accuracy"]


def test_quality_is_the_library_s_loss_and_the_share_of_tokens_named_right(idle: Path) -> None:
    model, rows = load(idle), text(idle)
    ids = torch.tensor([row.tokens for row in rows])
    found = model(input_ids=ids, labels=ids)
    assert quality(model, rows).loss == pytest.approx(float(found.loss.detach()), rel=1e-4)
    assert quality(model, rows).accuracy == pytest.approx(float((found.logits[:, :-1].argmax(-1) == ids[:, 1:]).float().mean()), abs=1e-6)


def test_dropping_a_layer_that_does_nothing_leaves_the_teacher(distilled: Path) -> None:
    assert record(distilled)["curve"][0]["loss"] == pytest.approx(0.0, abs=1e-4)


def test_the_divergence_from_the_teacher_goes_down(llama: Path, tmp_path: Path) -> None:
    method = MinitronDepth(steps=40, batch=4, sequence=64, warmup=2, judged=4)
    curve = [point["loss"] for point in record(run(method, llama, tmp_path / "out", calibration()))["curve"]]
    assert len(curve) == 40
    assert sum(curve[-5:]) < 0.6 * sum(curve[:5])


def test_the_record_counts_documents_tokens_and_passes(distilled: Path) -> None:
    found = record(distilled)["text"]
    assert (found["documents"], found["rows"], found["tokens"]) == (8, 8, 8 * 64)
    assert found["passes"] == 4.0
    assert found["trained_tokens"] == 4 * 8 * 64


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


def test_teacher_correction_lowers_the_teacher_s_own_loss_before_anything_is_dropped(idle: Path, tmp_path: Path) -> None:
    method = replace(SHORT, correction=10, correction_rate=1e-5, steps=1)
    found = record(run(method, idle, tmp_path / "corrected", calibration()))
    plain = record(run(replace(method, correction=0), idle, tmp_path / "plain", calibration()))
    assert len(found["correction"]) == 10
    assert found["correction"][-1]["loss"] < found["correction"][0]["loss"]
    assert found["choice"]["whole"]["loss"] < 0.9 * plain["choice"]["whole"]["loss"]


@pytest.mark.parametrize("architecture", ["opt", "gpt_neox", "gemma2", "phi3", "mistral", "qwen3"])
def test_depth_is_cut_in_any_architecture_with_one_list_of_blocks(architecture: str, tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", architecture, layers=3)
    method = replace(SHORT, steps=2)
    assert method.refusal(json.loads((source / "config.json").read_text())) is None
    model = load(run(method, source, tmp_path / "out", calibration()))
    assert len(block_list(model)[1]) == 2


def test_a_cut_takes_per_layer_settings_along_and_puts_everything_back(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", "gemma2", layers=4, sliding_window=8)
    model, rows = load(folder), text(folder)
    before, kinds = quality(model, rows), list(model.config.layer_types)
    with without_layers(model, 1, 1):
        assert model.config.layer_types == [kinds[0], *kinds[2:]]
        assert len(block_list(model)[1]) == 3
        assert quality(model, rows) != before
    assert model.config.layer_types == kinds
    assert quality(model, rows) == before


def test_every_contiguous_block_is_tried(idle: Path) -> None:
    rows = text(idle, 4)
    assert len(qualities_without(load(idle), 2, rows)) == 2
    assert len(qualities_without(load(idle), 1, rows)) == 3


def test_a_share_that_leaves_no_layer_is_refused(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(UnicompError, match="cannot drop 2 of 2 layers"):
        run(MinitronDepth(share=1.0), llama, tmp_path / "out", calibration())


def test_an_unknown_judge_is_refused(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(UnicompError, match="judge 'winogrande'; expected loss or accuracy"):
        run(MinitronDepth(judge="winogrande"), llama, tmp_path / "out", calibration())


def test_a_checkpoint_of_quantized_weights_is_refused_before_any_work() -> None:
    reason = MinitronDepth().refusal({"model_type": "llama", "quantization_config": {"quant_method": "gptq"}})
    assert reason is not None
    assert "quantized already (gptq)" in reason
