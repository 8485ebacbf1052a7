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


def test_a_candidate_that_lost_its_chat_template_is_named_plainly_and_hides_no_failure_of_another(gate, ruined, pytester):
    bare = pytester.path / "bare"
    shutil.copytree(hub.resolve("nano", None), bare, ignore=shutil.ignore_patterns("*.py", "__pycache__", "chat_template.jinja"))
    # Lists are written with commas, here too.
    report = gate.report(f"--unicomp-candidate={bare},{ruined}", "--unicomp-report=gate.html", recipe=None)
    verdicts = {recipe["recipe"]: recipe["verdict"] for recipe in report["recipes"]}
    assert verdicts == {"bare": "fail", "ruined": "fail"}
    text = " ".join(" ".join(report["result"].outlines).split())
    assert "Cannot use chat template functions" not in text
    block = text[text.index("= verdict =") :]
    assert "Do not ship bare: the checkpoint: chat-template: template" in block
    assert "copy the base's file" in block
    assert "Do not ship ruined: knowledge fell from" in block
    page = (pytester.path / "gate.html").read_text(encoding="utf-8")
    assert "Do not ship bare" in page
    assert "ruined: knowledge fell from" in page
