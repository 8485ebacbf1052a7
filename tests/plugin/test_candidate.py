"""`--unicomp-candidate`: a checkpoint that was made elsewhere gates like a recipe."""

import shutil

from pytest_unicomp.checkpoints import hub


def test_a_copy_of_the_reference_passes_outright_however_few_items_there_are(gate, pytester):
    copy = pytester.path / "copy"
    shutil.copytree(hub.resolve("nano", None), copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    report = gate.report(f"--unicomp-candidate={copy}", "--unicomp-margin=0.001", recipe=None)
    assert (report["exit_code"], report["verdict"]) == (0, "pass")
    (check,) = [check for check in report["checks"] if check["question"] == "retention"]
    assert "identical" in check["reason"]
    assert check["difference"] == 0


def test_the_candidate_folder_is_read_and_not_written(gate, ruined):
    before = {path.name: path.stat().st_mtime_ns for path in ruined.iterdir()}
    gate(f"--unicomp-candidate={ruined}", recipe=None)
    assert {path.name: path.stat().st_mtime_ns for path in ruined.iterdir()} == before


def test_recipes_beside_a_candidate_must_be_named(gate, ruined):
    report = gate.report(f"--unicomp-candidate={ruined}")
    assert [recipe["recipe"] for recipe in report["recipes"]] == ["rtn-w8a16", "ruined"]
    assert [recipe["verdict"] for recipe in report["recipes"]][1] == "fail"
