"""`--unicomp-similarity`: which embedding model compares replies; any checkpoint folder will do."""

import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp.checkpoints import hub
from pytest_unicomp.cli import app


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "bundle" / "trustllm" / "dataset" / "robustness" / "AdvInstruction.json"
    path.parent.mkdir(parents=True)
    rows = [{"prompt": f"Say {n}", "topic": "t", "type": "original" if n % 2 == 0 else "x", "index": n // 2} for n in range(8)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return f"--unicomp-bundle={tmp_path / 'bundle'}"


def similar(report):
    (check,) = [check for check in report["checks"] if check["question"] == "retention"]
    return check


def test_a_folder_is_taken_as_the_model_and_stands_in_the_policy(gate, bundle):
    folder = hub.resolve("nano", None)
    report = gate.report(bundle, f"--unicomp-similarity={folder}", benchmark="trustllm-advinstruction")
    assert report["policy"]["similarity"] == str(folder)
    check = similar(report)
    assert "not available" not in check["reason"]
    assert -1 <= check["candidate"]["value"] <= 1


def test_a_model_that_is_not_here_decides_nothing_and_says_what_to_fetch(gate, bundle):
    check = similar(gate.report(bundle, "--unicomp-similarity=some/model", benchmark="trustllm-advinstruction"))
    assert check["verdict"] == "inconclusive"
    assert "the sentence-embedding model some/model" in check["reason"]
    assert "unicomp prefetch --model some/model" in check["reason"]


def test_what_could_not_be_judged_enters_no_score_and_the_report_still_follows_from_its_evidence(gate, bundle, pytester):
    report = gate.report(bundle, "--unicomp-similarity=some/model", benchmark="trustllm-advinstruction,nano-robustness")
    assert report["recipes"][0]["score_basis"]["S_ROB"].startswith("mean ratio over nano-robustness;")
    done = CliRunner().invoke(app, ["verify", str(pytester.path / "report.json"), f"--cache={gate.store}"])
    assert (done.exit_code, done.output.count("\n")) == (0, 1)
