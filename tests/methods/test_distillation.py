from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, UsageProblem
from pytest_unicomp.api.protocols import Calibration
from pytest_unicomp.api.records import CalibrationText
from pytest_unicomp.methods.distillation import train
from pytest_unicomp.methods.distillation_launch import main
from pytest_unicomp.methods.distillation_loss import activation_error, cross_entropy, divergence
from pytest_unicomp.methods.distillation_plan import Plan, log_interval
from pytest_unicomp.methods.distillation_settings import in_bfloat16
from pytest_unicomp.methods.distillation_text import Row, enlarged, learned, pack, prepare
from pytest_unicomp.methods.minitron_depth import MinitronDepth
from pytest_unicomp.methods.teaching import language_modelling, logits
from tests.methods.tiny import calibration, checkpoint, contents, job, load, run, save_tokenizer

PLAN = Plan(steps=6, batch=4, device_batch=0, learning_rate=1e-3, warmup=2, schedule="cosine", beta2=0.95, bfloat16=False, save_every=2)
CHAT = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"


def rows(count: int = 12, length: int = 32, seed: int = 0) -> list[Row]:
    draw = torch.Generator().manual_seed(seed)
    documents = [torch.randint(3, 259, (1, length), generator=draw) for _ in range(count)]
    return pack(documents, [[True] * length] * count, length, 2)


def trained(source: Path, folder: Path, plan: Plan = PLAN, seed: int = 0) -> tuple[Any, list[dict[str, float]]]:
    model = load(source).float()
    curve = train(model, language_modelling, rows(), plan, seed=seed, device="cpu", folder=folder, progress=lambda line: None, what="test")
    return model, curve


# Losses


@given(st.integers(0, 2**31), st.sampled_from([1.0, 2.0, 40.0]))
@settings(max_examples=20, deadline=None)
def test_divergence_is_the_textbook_sum_in_float64(seed: int, temperature: float) -> None:
    draw = torch.Generator().manual_seed(seed)
    ours, theirs = (3 * torch.randn(2, 3, 7, generator=draw) for _ in range(2))
    p, q = ((values.double() / temperature).softmax(-1) for values in (theirs, ours))
    expected = temperature**2 * (p * (p / q).log()).sum(-1).mean()
    assert float(divergence(ours, theirs, temperature)) == pytest.approx(float(expected), rel=1e-3, abs=1e-4)
    assert float(divergence(ours, ours, temperature)) == pytest.approx(0.0, abs=1e-4)


def test_the_other_direction_of_the_divergence_is_another_number() -> None:
    ours, theirs = torch.tensor([[4.0, 0.0, 0.0]]), torch.tensor([[1.0, 1.0, 0.0]])
    assert float(divergence(ours, theirs, 1.0)) != pytest.approx(float(divergence(theirs, ours, 1.0)), rel=0.1)


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_cross_entropy_and_activation_error_are_the_textbook_sums_in_float64(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    values, targets = torch.randn(5, 7, generator=draw), torch.randint(0, 7, (5,), generator=draw)
    expected = -values.double().softmax(-1)[range(5), targets].log().mean()
    assert float(cross_entropy(values, targets)) == pytest.approx(float(expected), rel=1e-5)
    other = torch.randn(5, 7, generator=draw)
    assert float(activation_error(values, other)) == pytest.approx(float(((values.double() - other.double()) ** 2).sum() / 35), rel=1e-5)


def test_a_batch_without_a_learned_token_costs_nothing_rather_than_nan() -> None:
    nothing = torch.zeros(0, 7)
    assert float(divergence(nothing, nothing, 1.0)) == 0.0
    assert float(cross_entropy(nothing, torch.zeros(0, dtype=torch.int64))) == 0.0


# Text


def test_whole_documents_lie_side_by_side_with_places_from_zero_and_padding_that_is_not_learned() -> None:
    documents = [torch.tensor([[5, 6, 7]]), torch.tensor([[8, 9, 10, 11]]), torch.tensor([[12, 13]])]
    first, second = pack(documents, [[True] * 3, [True] * 4, [True] * 2], 6, 2)
    assert first == Row([5, 6, 7, 12, 13, 2], [0, 1, 2, 0, 1, 0], [True, True, False, True, False, False], [True] * 5 + [False])
    assert second == Row([8, 9, 10, 11, 2, 2], [0, 1, 2, 3, 0, 0], [True] * 3 + [False] * 3, [True] * 4 + [False] * 2)


def test_a_document_longer_than_a_row_is_cut_and_loses_no_token() -> None:
    found = pack([torch.arange(10, 21)[None]], [[True] * 11], 4, 2)
    assert [token for row in found for token, text in zip(row.tokens, row.text, strict=True) if text] == list(range(10, 21))
    assert all(row.places == [0, 1, 2, 3] for row in found[:2])
    assert sum(sum(row.learned) for row in found) == 3 + 3 + 2


@given(st.lists(st.integers(2, 40), min_size=1, max_size=30), st.integers(4, 24))
@settings(max_examples=50, deadline=None)
def test_rows_have_one_length_and_predict_only_within_a_document(lengths: list[int], length: int) -> None:
    documents = [torch.full((1, size), 10 + number) for number, size in enumerate(lengths)]
    for row in pack(documents, [[True] * size for size in lengths], length, 2):
        assert len(row.tokens) == len(row.places) == len(row.learned) == len(row.text) == length
        for at in range(length):
            if row.learned[at]:
                assert row.tokens[at + 1] == row.tokens[at]
                assert row.places[at + 1] == row.places[at] + 1


def test_only_replies_are_learned_from_the_token_that_predicts_their_first_to_their_end() -> None:
    ids = [1, 50, 51, 9, 8, 60, 61, 2, 50, 9, 8, 62, 2, 70]
    assert [at for at, learns in enumerate(learned(ids, [9, 8], {2})) if learns] == [4, 5, 6, 10, 11]
    assert learned([4, 5, 6], [9, 8], {2}) == [True, True, False]


def test_replies_are_found_by_the_tokenizer_s_own_template(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "model")
    save_tokenizer(source, CHAT)
    texts = tuple(f"user: {'a' * 30}</s>assistant: {'b' * 10}</s>" for _ in range(6))
    text = Calibration(texts, 128, CalibrationText(mixture="t", samples=6, tokens=128, seed=0, digest=""))
    replies = prepare(source, text, recipe="t", length=128, replies=True).record
    everything = prepare(source, text, recipe="t", length=128, replies=False).record
    assert replies["learned_tokens"] == 6 * 11
    assert everything["learned_tokens"] == everything["tokens"] - 6


def test_as_much_text_is_drawn_as_the_steps_can_read_once(llama: Path) -> None:
    asked: list[int] = []

    def more(samples: int) -> Calibration:
        asked.append(samples)
        return calibration(documents=samples)

    small = replace(calibration(documents=8), more=more)
    assert len(enlarged(llama, small, recipe="t", rows=40, length=64, samples=0).texts) == asked[0] == 42
    assert len(enlarged(llama, small, recipe="t", rows=2, length=64, samples=0).texts) == 8
    assert len(enlarged(llama, small, recipe="t", rows=2, length=64, samples=5).texts) == 5
    assert len(asked) == 2


def test_a_document_in_a_row_is_read_as_if_it_stood_alone(llama: Path) -> None:
    model = load(llama).float()
    first, second = torch.tensor([[3, 4, 5, 1]]), torch.tensor([[6, 7, 8, 1]])
    row = pack([first, second], [[True] * 4] * 2, 8, 2)[0]
    with torch.inference_mode():
        together = logits(model, {"input_ids": torch.tensor([row.tokens]), "position_ids": torch.tensor([row.places])})[0, 4:]
        alone = model(input_ids=second, use_cache=False).logits[0]
    assert torch.allclose(together, alone, atol=1e-5)


# Training


def test_the_loss_goes_down_and_the_rate_rises_and_falls_as_planned(llama: Path, tmp_path: Path) -> None:
    _, curve = trained(llama, tmp_path, replace(PLAN, steps=40, warmup=10))
    assert [point["step"] for point in curve] == list(range(1, 41))
    assert sum(point["loss"] for point in curve[-5:]) < 0.8 * sum(point["loss"] for point in curve[:5])
    rates = [point["learning_rate"] for point in curve]
    assert max(rates) == pytest.approx(1e-3)
    assert rates.index(max(rates)) == 10
    assert 1e-4 <= rates[-1] < 1.2e-4


def test_training_in_turns_is_training_at_once(llama: Path, tmp_path: Path) -> None:
    together, _ = trained(llama, tmp_path / "together")
    in_turns, _ = trained(llama, tmp_path / "turns", replace(PLAN, device_batch=1))
    start = load(llama).float()
    for (name, one), two, before in zip(together.named_parameters(), in_turns.parameters(), start.parameters(), strict=True):
        assert bool((one - two).abs().max() < 0.1 * (one - before).abs().max()), name


def test_a_training_that_was_cut_short_goes_on_along_the_same_curve_to_the_same_weights(llama: Path, tmp_path: Path) -> None:
    whole, curve = trained(llama, tmp_path / "whole")
    model = load(llama).float()

    class Killed(Exception):
        pass

    seen = 0

    def failing(student: Any, inputs: Any) -> dict[str, Any]:
        nonlocal seen
        seen += 1
        if seen == 6:
            raise Killed
        return language_modelling(student, inputs)

    with pytest.raises(Killed):
        train(model, failing, rows(), PLAN, seed=0, device="cpu", folder=tmp_path / "cut", progress=lambda line: None, what="test")
    (tmp_path / "cut" / "checkpoint-4" / "whole").unlink()
    resumed, again = trained(llama, tmp_path / "cut")
    assert again == curve
    for (name, one), two in zip(whole.named_parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, two), name


def test_a_finished_training_is_read_back_and_not_done_again(llama: Path, tmp_path: Path) -> None:
    model, curve = trained(llama, tmp_path)

    def forbidden(student: Any, inputs: Any) -> dict[str, Any]:
        raise AssertionError("trained again")

    again = load(llama).float()
    assert train(again, forbidden, rows(), PLAN, seed=0, device="cpu", folder=tmp_path, progress=lambda line: None, what="test") == curve
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), again.parameters(), strict=True))


def test_progress_names_step_loss_rate_and_speed(llama: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    train(load(llama).float(), language_modelling, rows(), PLAN, seed=0, device="cpu", folder=tmp_path, progress=lines.append, what="test")
    assert len(lines) == 6
    for word in ("test: step 6/6", "loss ", "learning rate ", "tokens/s"):
        assert word in lines[-1]


def test_training_that_diverges_is_an_infrastructure_error_that_says_what_to_do(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match=r"diverged.*lower learning_rate"):
        trained(llama, tmp_path, replace(PLAN, learning_rate=1e30))


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    assert replace(PLAN, batch=8, device_batch=2).shares(2) == (2, 2)
    with pytest.raises(UnicompError, match="batch of 4 rows cannot be shared by 3"):
        PLAN.shares(3)


@given(st.integers(1, 100_000))
def test_the_curve_has_few_points_and_they_divide_the_steps_where_they_can(steps: int) -> None:
    assert steps / log_interval(steps) <= 100
    assert log_interval(2000) == 20


def test_an_unknown_precision_is_refused() -> None:
    assert (in_bfloat16("float32", "cpu"), in_bfloat16("bfloat16", "cpu")) == (False, True)
    with pytest.raises(UnicompError, match="precision is 'half'; expected auto"):
        in_bfloat16("half", "cpu")


def test_bfloat16_products_train_float32_weights(llama: Path, tmp_path: Path) -> None:
    model, curve = trained(llama, tmp_path, replace(PLAN, bfloat16=True))
    exact = trained(llama, tmp_path / "exact")[1]
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert curve[0]["loss"] == pytest.approx(exact[0]["loss"], rel=0.02)
    assert curve[0]["loss"] != exact[0]["loss"]


SCRIPT = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from pytest_unicomp.methods.minitron_depth import MinitronDepth
from tests.methods.tiny import calibration, job
source, destination, scratch = (Path(given) for given in sys.argv[1:])
destination.mkdir(exist_ok=True)
method = MinitronDepth(steps=40, batch=4, sequence=64, warmup=2, judged=4, save_every=5)
say = lambda line: print(line, file=sys.__stdout__, flush=True)
method.compress(job(source, destination, calibration(), progress=say, scratch=scratch))
"""


@pytest.mark.slow
def test_a_distillation_killed_in_the_middle_resumes_and_gives_the_bytes_of_an_undisturbed_one(llama: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-c", SCRIPT, str(llama), str(tmp_path / "killed"), str(scratch)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "step 23/40" in line:
                os.kill(running.pid, signal.SIGKILL)
    assert running.returncode == -signal.SIGKILL
    assert not list((tmp_path / "killed").glob("model*"))
    assert (scratch / "student" / "checkpoint-20" / "whole").exists()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "step 21/40" in again.stdout
    assert "step 20/40" not in again.stdout
    method = MinitronDepth(steps=40, batch=4, sequence=64, warmup=2, judged=4, save_every=5)
    assert contents(tmp_path / "killed") == contents(run(method, llama, tmp_path / "undisturbed", calibration()))


@pytest.mark.slow
def test_two_processes_follow_the_loss_curve_of_one(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    method = MinitronDepth(steps=10, batch=4, sequence=64, warmup=2, judged=4, precision="float32")
    one = run(method, llama, tmp_path / "one", calibration(documents=16))
    lines: list[str] = []
    two, scratch = tmp_path / "two", tmp_path / "scratch"
    two.mkdir()
    scratch.mkdir()
    replace(method, processes=2).compress(job(llama, two, calibration(documents=16), progress=lines.append, scratch=scratch))
    curves = [json.loads((folder / "distillation.json").read_text())["curve"] for folder in (one, two)]
    assert [point["loss"] for point in curves[1]] == pytest.approx([point["loss"] for point in curves[0]], rel=1e-2)
    assert any("step 10/10" in line for line in lines)
    assert set(contents(two)) == set(contents(one))


@pytest.mark.slow
def test_trouble_in_a_process_is_told_in_its_own_words(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    method = MinitronDepth(steps=4, batch=3, sequence=64, judged=2, processes=2)
    (tmp_path / "out").mkdir()
    with pytest.raises(InfrastructureError, match="batch of 3 rows cannot be shared by 2 processes"):
        method.compress(job(llama, tmp_path / "out", calibration(), scratch=tmp_path))
    assert list((tmp_path / "out").iterdir()) == []


def test_nothing_is_left_running_or_written_outside(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "cwd"
    here.mkdir()
    monkeypatch.chdir(here)
    before = dict(os.environ)
    trained(llama, tmp_path / "folder", replace(PLAN, steps=1))
    assert list(here.iterdir()) == []
    assert dict(os.environ) == before


def test_a_launched_distillation_does_not_write_over_what_is_there(llama: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").touch()
    given = ["--model", str(llama), "--recipe", "minitron-depth", "--text", str(tmp_path / "texts.jsonl"), "--out", str(tmp_path / "out")]
    with pytest.raises(UsageProblem, match="holds files already; give a new or an empty folder"):
        main([*given, "--device", "cpu"])
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["kept"]
