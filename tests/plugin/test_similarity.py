"""`--unicomp-similarity`: which embedding model compares replies; any checkpoint folder will do."""

import json

import pytest

from pytest_unicomp import checkpoints


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
    folder = checkpoints.resolve("nano", None)
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
