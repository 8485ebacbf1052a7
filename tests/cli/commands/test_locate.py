"""`unicomp why` on planted damage: it names the block that was damaged, and each way to ask in vain ends in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from pytest_unicomp.cli import app
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.nano import checkpoint_folder
from pytest_unicomp.report.json import document
from pytest_unicomp.run.run import Run

DAMAGED = "model.layers.1."


def rounded(weight, bits):
    """Round a matrix to so many bits, one scale for each row."""
    largest = weight.abs().amax(dim=1, keepdim=True)
    steps = 2 ** (bits - 1) - 1
    return (weight / largest * steps).round() / steps * largest


def damage(folder, change):
    """Copy nano and change every matrix of its second block."""
    shutil.copytree(checkpoint_folder(), folder)
    for file in folder.glob("*.safetensors"):
        tensors = load_file(file)
        for name, tensor in tensors.items():
            if name.startswith(DAMAGED) and tensor.ndim == 2:
                tensors[name] = change(name, tensor).contiguous()
        save_file(tensors, file, metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """A report on two damaged copies of nano and on one that was distilled to fewer blocks, and the store behind it."""
    folder = tmp_path_factory.mktemp("why")
    two_bits = damage(folder / "two-bits", lambda name, tensor: rounded(tensor.float(), 2).to(tensor.dtype))
    zeros = damage(folder / "zeros", lambda name, tensor: torch.zeros_like(tensor))
    chosen = {"candidate": [str(two_bits), str(zeros)], "benchmark": ["nano-knowledge,nano-reasoning"], "limit": 60, "drift": "off"}
    run = Run(resolve({"model": "nano", "cache": str(folder / "store"), **chosen}, {}))
    checks = [run.artifact_check(cell) for cell in run.plan.artifacts()]
    checks += [run.retention(cell) for cell in run.plan.of_kind("items")]
    report = folder / "gate.json"
    report.write_text(json.dumps(document(run.conclude(sorted(checks, key=run.place)))), encoding="utf-8")
    return report


def why(report, *arguments):
    return CliRunner().invoke(app, ["why", str(report), *arguments, f"--cache={report.parent / 'store'}"])


@pytest.mark.parametrize(("recipe", "capability"), [("two-bits", "knowledge"), ("two-bits", "reasoning"), ("zeros", "knowledge")])
def test_the_damaged_block_is_named_and_brings_everything_back(gate, recipe, capability):
    done = why(gate, recipe, capability, "--json", "--items=12")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["carried_by"] == ["block 2"]
    shares = {part["name"]: part["share"] for part in found["parts"]}
    # No other block was touched, so the second is the whole difference and the others bring nothing back.
    assert shares["block 2"] == pytest.approx(1, abs=1e-3)
    assert all(abs(share) < 1e-3 for name, share in shares.items() if name != "block 2")


def test_the_lines_and_the_page_show_the_parts(gate, tmp_path):
    page = tmp_path / "why.html"
    done = why(gate, "zeros", "knowledge", "--items=6", f"--output={page}")
    assert done.exit_code == 0, done.output
    assert "zeros on nano-knowledge: 6 items that the reference answers better" in done.stdout
    assert "carried by block 2, more than by any other part" in done.stdout
    assert done.stdout.isascii()
    text = page.read_text(encoding="utf-8")
    assert "Where a loss lies" in text
    assert 'aria-label="100%"' in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("zeroes", "knowledge"), "the report has no recipe 'zeroes'; expected one of: two-bits, zeros. Did you mean 'zeros'?"),
        (("zeros", "knowlegde"), "zeros has no scores in 'knowlegde'; expected one of: knowledge, reasoning. Did you mean 'knowledge'?"),
        (("zeros", "knowledge", "--items=1"), "--items is 1; expected at least 2."),
        (("zeros", "knowledge", "--passes=3"), "--passes is 3; expected at least 8."),
        (("zeros", "knowledge", "--output=why.pdf"), "--output is why.pdf; expected a file with the suffix .html."),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_line(gate, arguments, line):
    done = why(gate, *arguments)
    assert done.exit_code != 0
    assert line in str(done.exception)


def test_options_of_a_benchmark_that_is_not_defined_here_are_not_asked_again(gate, tmp_path, monkeypatch):
    report = json.loads(gate.read_text(encoding="utf-8"))
    for check in report["checks"]:
        check["benchmark"] = check["benchmark"].replace("nano-knowledge", "people")
    (tmp_path / "gate.json").write_text(json.dumps(report), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["why", "gate.json", "zeros", "knowledge", f"--cache={gate.parent / 'store'}"])
    assert "no benchmark named 'people'" in str(done.exception)
    (tmp_path / "unicomp.toml").write_text('[benchmarks.people]\nfile = "people.jsonl"\nscorer = "choice"\n', encoding="utf-8")
    (tmp_path / "people.jsonl").write_text('{"prompt": "Who?", "options": ["me", "you"], "answer": "me"}\n', encoding="utf-8")
    done = CliRunner().invoke(app, ["why", "gate.json", "zeros", "knowledge", f"--cache={gate.parent / 'store'}"])
    assert "the prompts of people are not those of the report any more" in str(done.exception)


def test_weights_that_were_changed_since_the_run_are_not_searched(gate, tmp_path):
    folder = tmp_path / "moved"
    shutil.copytree(gate.parent, folder)
    report = json.loads((folder / "gate.json").read_text(encoding="utf-8"))
    artifact = next(row["artifact"] for row in report["recipes"] if row["recipe"] == "zeros")
    changed = folder / "zeros"
    artifact["path"] = str(changed)
    (folder / "gate.json").write_text(json.dumps(report), encoding="utf-8")
    file = next(Path(changed).glob("*.safetensors"))
    tensors = load_file(file)
    name = next(name for name in tensors if name.startswith(DAMAGED))
    save_file({**tensors, name: tensors[name] + 1}, file, metadata={"format": "pt"})
    done = why(folder / "gate.json", "zeros", "knowledge")
    assert done.exit_code != 0
    assert "run the gate again" in str(done.exception)
