from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp.methods.distillation import train
from pytest_unicomp.methods.distillation_plan import Plan
from pytest_unicomp.methods.distillation_text import Row, pack
from pytest_unicomp.methods.low_rank_clone import LowRankClone, cloning
from pytest_unicomp.methods.low_rank_model import multiplied_out, principal_directions, projected, taps
from pytest_unicomp.methods.teaching import batches, logits
from pytest_unicomp.methods.tokens import encode
from tests.methods.test_minitron_width import disturb
from tests.methods.tiny import calibration, checkpoint, contents, job, load, run

SHORT = LowRankClone(steps=6, batch=4, sequence=64, warmup=1, judged=8, multiple=32, precision="float32")
CLONED = [
    ("llama", {}),
    ("llama", {"tie_word_embeddings": False}),
    ("mistral", {"num_key_value_heads": 2}),
    ("qwen2", {"tie_word_embeddings": False}),
    ("qwen3", {"head_dim": 16}),
]
RANK = 32


def text(folder: Path) -> list[Row]:
    found = encode(folder, calibration(6, 48), recipe="test")
    return pack(found, [[True] * (document.shape[1] - 1) + [False] for document in found], 64, 2)


def inputs(rows: list[Row]) -> dict[str, torch.Tensor]:
    return next(batches(rows, torch.device("cpu")))


def of_low_rank(source: Path) -> Any:
    """A teacher whose residual stream fills 32 of its 128 dimensions, in directions that are no axes."""
    model = load(source)
    basis = torch.linalg.qr(torch.randn(128, RANK, generator=torch.Generator().manual_seed(3)))[0]
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(model.model.embed_tokens.weight @ basis @ basis.T)
        for layer in model.model.layers:
            for writer in (layer.self_attn.o_proj, layer.mlp.down_proj):
                writer.weight.copy_(basis @ basis.T @ writer.weight)
    return model


@pytest.mark.parametrize(
    ("architecture", "changes"), CLONED, ids=lambda value: value if isinstance(value, str) else "-".join(value) or "plain"
)
def test_with_projections_of_full_rank_the_student_is_the_teacher(architecture: str, changes: dict[str, Any], tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", architecture, **changes)
    teacher, rows = disturb(load(source)), text(source)
    basis, energy = principal_directions(teacher, rows, 128)
    student = projected(teacher, basis, energy)
    with torch.inference_mode():
        ours, theirs = logits(student, inputs(rows)), logits(teacher, inputs(rows))
    assert torch.allclose(ours, theirs, atol=1e-4, rtol=1e-4)
    terms = cloning(student, teacher, 2.0, 0.2)(student, inputs(rows))
    assert float(terms["divergence"].detach()) == pytest.approx(0.0, abs=1e-5)
    assert float(terms["activations"].detach()) == pytest.approx(0.0, abs=1e-6)


def test_a_teacher_that_has_low_rank_is_cloned_without_loss(llama: Path) -> None:
    teacher, rows = of_low_rank(llama), text(llama)
    basis, energy = principal_directions(teacher, rows, RANK)
    assert min(energy.values()) == pytest.approx(1.0, abs=1e-6)
    student = multiplied_out(projected(teacher, basis, energy))
    with torch.inference_mode():
        ours, theirs = logits(student, inputs(rows)), logits(teacher, inputs(rows))
    assert student.config.hidden_size == RANK
    # The norms' epsilon weighs less against the larger mean square of fewer channels: not exactly the same, but nearly.
    assert float((ours - theirs).abs().max()) < 2e-3 * float(theirs.abs().max())
    fewer, lost = principal_directions(teacher, rows, RANK // 2)
    worse = multiplied_out(projected(teacher, fewer, lost))
    with torch.inference_mode():
        assert not torch.allclose(logits(worse, inputs(rows)), theirs, atol=0.1)


def test_training_finds_the_low_rank_teacher_again_from_a_disturbed_start(llama: Path, tmp_path: Path) -> None:
    teacher, rows = of_low_rank(llama), text(llama)
    student = projected(teacher, *principal_directions(teacher, rows, RANK))
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in student.named_parameters():
            if name.endswith("original"):
                value.add_(0.05 * torch.randn(value.shape, generator=draw))

    def agreement() -> float:
        learned = inputs(rows)["learned"]
        with torch.inference_mode():
            ours, theirs = logits(student, inputs(rows)), logits(teacher, inputs(rows))
        return float((ours.argmax(-1) == theirs.argmax(-1))[learned].float().mean())

    before = agreement()
    how = Plan(
        steps=150, batch=4, device_batch=0, learning_rate=3e-3, warmup=5, schedule="linear", beta2=0.999, bfloat16=False, save_every=150
    )
    full = cloning(student, teacher, 1.0, 1.0)

    def imitation(model: Any, given: Any) -> dict[str, Any]:
        terms = full(model, given)
        return {**terms, "loss": terms["divergence"] + terms["activations"]}

    curve = train(student, imitation, rows, how, seed=0, device="cpu", folder=tmp_path, progress=lambda line: None, what="test")
    assert curve[-1]["loss"] < 0.02 * curve[0]["loss"]
    assert agreement() > max(0.8, before + 0.3)


@pytest.mark.parametrize(
    ("architecture", "changes"), CLONED, ids=lambda value: value if isinstance(value, str) else "-".join(value) or "plain"
)
def test_the_checkpoint_multiplied_out_computes_what_the_projected_model_computes(
    architecture: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    source = checkpoint(tmp_path / "model", architecture, **changes)
    teacher, rows = disturb(load(source)), text(source)
    student = projected(teacher, *principal_directions(teacher, rows, 64))
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in student.parameters():
            if value.requires_grad:
                value.add_(0.05 * torch.randn(value.shape, generator=draw))
    plain = multiplied_out(student)
    plain.save_pretrained(tmp_path / "out")
    loaded = load(tmp_path / "out")
    with torch.inference_mode():
        assert torch.allclose(logits(loaded, inputs(rows)), logits(student, inputs(rows)), atol=1e-4)
    assert not any("parametrizations" in name or "original" in name for name in plain.state_dict())
    assert loaded.config.head_dim == teacher.model.layers[0].self_attn.head_dim


def test_the_objective_is_the_paper_s_sum_in_float64(llama: Path) -> None:
    teacher, rows = disturb(load(llama)), text(llama)
    student = projected(teacher, *principal_directions(teacher, rows, 64))
    given = inputs(rows)
    terms = cloning(student, teacher, 40.0, 0.2)(student, given)
    seen: dict[str, dict[str, torch.Tensor]] = {"ours": {}, "theirs": {}}
    plain = multiplied_out(student)
    for who, model in (("ours", plain), ("theirs", teacher)):
        for name, module in taps(model).items():
            module.register_forward_hook(lambda _, __, left, who=who, name=name: seen[who].update({name: left.detach().double()}))
    with torch.no_grad():
        ours, theirs = logits(plain, given).double(), logits(teacher, given).double()
    learned, real = given["learned"], given["text"]
    expected = 0.0
    for name, value in seen["ours"].items():
        wanted = seen["theirs"][name]
        if name.endswith(("o_proj", "down_proj")):
            wanted = wanted @ student.get_submodule(name).parametrizations.weight.original.detach().double()
        expected += float(((value - wanted)[real] ** 2).mean())
    p, q = ((values[learned] / 40).softmax(-1) for values in (theirs, ours))
    kl = 1600 * float((p * (p / q).log()).sum(-1).mean())
    following = given["input_ids"].roll(-1, 1)
    loss = -float(ours.log_softmax(-1).gather(-1, following[..., None])[..., 0][learned].mean())
    assert len(seen["ours"]) == 2 * 7
    assert float(terms["activations"].detach()) == pytest.approx(expected, rel=1e-4)
    assert float(terms["divergence"].detach()) == pytest.approx(kl, rel=1e-2)
    assert float(terms["next_token"].detach()) == pytest.approx(loss, rel=1e-4)
    assert float(terms["loss"].detach()) == pytest.approx(loss + kl + 0.2 * expected, rel=1e-2)


def test_only_projections_and_norms_are_trained_and_the_teacher_stays(llama: Path) -> None:
    teacher, rows = load(llama), text(llama)
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    student = projected(teacher, *principal_directions(teacher, rows, 64))
    cloning(student, teacher, 40.0, 0.2)(student, inputs(rows))["loss"].backward()
    moved = {name for name, value in student.named_parameters() if value.grad is not None and bool(value.grad.abs().max() > 0)}
    assert moved == {name for name, value in student.named_parameters() if name.endswith("original") or "norm" in name}
    assert all(value.grad is None for value in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


@pytest.fixture(scope="module")
def cloned(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(SHORT, llama, tmp_path_factory.mktemp("cloned") / "out", calibration())


def test_the_clone_is_a_plain_smaller_checkpoint_with_its_record(llama: Path, cloned: Path) -> None:
    model = load(cloned)
    record = json.loads((cloned / "distillation.json").read_text())
    assert record["hidden"] == [128, 64]
    assert (model.config.hidden_size, model.config.intermediate_size, model.config.num_hidden_layers) == (64, 256, 2)
    assert set(record["curve"][0]) == {"step", "loss", "learning_rate", "next_token", "divergence", "activations"}
    assert record["text"]["trained_tokens"] == 6 * 4 * 64
    assert {file.name for file in cloned.iterdir()} == {file.name for file in llama.iterdir()} | {"distillation.json"}
    assert model.generate(torch.tensor([[5, 6, 7]]), max_new_tokens=2, do_sample=False).shape[1] > 3


def test_a_clone_that_was_interrupted_goes_on_to_the_same_bytes(llama: Path, cloned: Path, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def stop(line: str) -> None:
        if "step 4/6" in line:
            raise Killed

    method, out = replace(SHORT, save_every=2), tmp_path / "out"
    scratch = tmp_path / "scratch"
    out.mkdir()
    scratch.mkdir()
    with pytest.raises(Killed):
        method.compress(job(llama, out, calibration(), progress=stop, scratch=scratch))
    assert [path.name for path in (scratch / "student").glob("checkpoint-*")] == ["checkpoint-2"]
    lines: list[str] = []
    method.compress(job(llama, out, calibration(), progress=lines.append, scratch=scratch))
    assert not any("step 2/6" in line for line in lines)
    assert contents(out) == contents(cloned)


def test_the_reference_s_dtype_is_kept(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model", "qwen2", dtype="bfloat16")
    assert load(run(replace(SHORT, precision="bfloat16"), source, tmp_path / "out", calibration())).dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "llama", "attention_bias": True}, "output projections have biases"),
        ({"model_type": "gemma3_text"}, r"1 \+ weight"),
        ({"model_type": "phi3"}, "fused"),
        ({"model_type": "olmoe"}, "mixture of experts"),
    ],
)
def test_what_cannot_be_cloned_is_refused_in_a_phrase(config: dict[str, Any], reason: str) -> None:
    found = LowRankClone().refusal(config)
    assert found is not None
    assert re.search(reason, found)


def test_biases_that_only_readers_have_are_no_reason_to_refuse() -> None:
    assert LowRankClone().refusal({"model_type": "qwen2", "attention_bias": True}) is None
