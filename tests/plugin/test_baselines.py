"""`--unicomp-baselines`, `--unicomp-update`, `--unicomp-drift`, `--unicomp-reference=stored`: the life of a baseline."""

import json

import pytest

from pytest_unicomp.api.registry import Table, methods
from pytest_unicomp.store.baselines import Baselines

WIDE = ("--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4", "--unicomp-drift-margin=0.4")


@pytest.fixture
def folder(pytester):
    return pytester.path / "evidence"


@pytest.fixture
def drifting(gate, folder):
    def run(*arguments, **words):
        return gate.report(
            f"--unicomp-baselines={folder}", *WIDE, *arguments, drift=words.pop("drift", "auto"), model=words.pop("model", "nano"), **words
        )

    return run


@pytest.fixture
def own_model(pytester):
    """A copy of nano under another name, so that the packaged baselines do not speak for it."""
    import shutil

    from pytest_unicomp.checkpoints import hub

    copy = pytester.path / "own"
    shutil.copytree(hub.resolve("nano", None), copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return str(copy)


def rewritten(folder, **changes):
    """Write the baseline anew with the first two items changed, as evidence of another run."""
    stored = Baselines(folder, folder)
    kept = stored.read("own", "rtn-w8a16", "nano-knowledge")
    items = [item.model_copy(update=changes) if place < 2 else item for place, item in enumerate(kept.items)]
    return stored.write("own", "rtn-w8a16", kept.model_copy(update={"items": items}))


def drift_of(report):
    return next(check for check in report["checks"] if check["question"] == "drift")


def test_a_missing_baseline_is_written_and_fails_once(drifting, folder, own_model):
    first = drifting(model=own_model)
    path = folder / "own" / "rtn-w8a16" / "nano-knowledge.json"
    assert first["ret"] == 1
    assert drift_of(first)["verdict"] == "fail"
    assert str(path) in drift_of(first)["reason"]
    assert json.loads(path.read_text())["schema"] == "unicomp-baseline/1"
    second = drifting(model=own_model)
    assert (second["ret"], drift_of(second)["verdict"]) == (0, "pass")


def test_a_changed_baseline_is_told_and_kept_until_the_update_is_asked_for(drifting, folder, own_model):
    drifting(model=own_model)
    path = rewritten(folder, prompt_digest="0" * 16)
    spoiled = path.read_text()
    report = drifting(model=own_model)
    assert drift_of(report)["verdict"] == "not_comparable"
    assert "prompt" in drift_of(report)["reason"]
    assert path.read_text() == spoiled
    accepted = drifting("--unicomp-update=changed", model=own_model)
    assert "rewritten" in drift_of(accepted)["reason"]
    assert drift_of(accepted)["accepted"] is True
    assert drift_of(drifting(model=own_model))["verdict"] == "pass"


def test_an_edited_baseline_is_named_and_ends_the_run_with_exit_code_7(drifting, folder, own_model):
    drifting(model=own_model)
    path = folder / "own" / "rtn-w8a16" / "nano-knowledge.json"
    path.write_text(path.read_text().replace('"score": [1', '"score": [0').replace('"score": [0,1', '"score": [0,0'))
    report = drifting(model=own_model)
    assert (report["ret"], drift_of(report)["verdict"]) == (7, "error")
    assert f"the baseline {path} is not used: its content differs from its digest" in drift_of(report)["reason"]


def test_without_a_baseline_and_unasked_there_is_no_drift_check(gate, own_model):
    report = gate.report(*WIDE, drift="auto", model=own_model)
    assert {check["question"] for check in report["checks"]} == {"artifact", "retention"}
    assert report["ret"] == 0


def test_drift_off_silences_an_existing_baseline(drifting, own_model):
    drifting(model=own_model)
    assert not [check for check in drifting(model=own_model, drift="off")["checks"] if check["question"] == "drift"]


def test_a_baseline_of_more_items_serves_a_smaller_run_and_one_of_fewer_does_not(drifting, own_model):
    drifting(model=own_model)
    assert drift_of(drifting("--unicomp-limit=10", model=own_model))["verdict"] in ("pass", "inconclusive")
    larger = drift_of(drifting("--unicomp-limit=30", model=own_model))
    assert larger["verdict"] == "not_comparable"


def test_stored_evidence_stands_in_for_the_reference(drifting, own_model):
    drifting(model=own_model, recipe="dense")
    report = drifting("--unicomp-reference=stored", model=own_model, drift="off")
    check = next(check for check in report["checks"] if check["question"] == "retention")
    assert check["verdict"] == "pass"
    assert check["n"] == 24
    assert check["reference"]["value"] is not None


def test_an_accepted_change_is_printed_with_its_size(drifting, folder, own_model):
    drifting(model=own_model)
    rewritten(folder, score=0.0)
    accepted = drifting("--unicomp-update=changed", model=own_model)
    accepted["result"].stdout.fnmatch_lines(["accepted: rtn-w8a16/nano-knowledge: baseline rewritten on request; before that: *points*"])
    again = drifting("--unicomp-update=changed", model=own_model)
    again["result"].stdout.no_fnmatch_line("accepted: *")


def test_evidence_at_chance_is_not_made_a_baseline(drifting, folder, ruined, own_model):
    report = drifting(f"--unicomp-candidate={ruined}", recipe=None, model=own_model)
    assert drift_of(report)["verdict"] == "not_comparable"
    assert "none was written: it is at chance" in drift_of(report)["reason"]
    assert not folder.exists()


def test_baselines_that_nobody_reads_are_named_after_a_run_of_everything_alone(drifting, folder, own_model, gate, monkeypatch):
    drifting(model=own_model)
    orphan = folder / "own" / "a-recipe-of-old" / "nano-knowledge.json"
    orphan.parent.mkdir()
    orphan.write_text("{}")
    drifting(model=own_model)["result"].stdout.no_fnmatch_line("unused baseline: *")
    table = methods()
    monkeypatch.setattr("pytest_unicomp.methods.configured.table", lambda *_: Table("recipe", None, {"rtn-w8a16": table["rtn-w8a16"]}))
    everything = drifting(model=own_model, recipe="all")
    everything["result"].stdout.fnmatch_lines([f"unused baseline: {orphan}: *"])
    drifting("-k", "drift", model=own_model, recipe="all")["result"].stdout.no_fnmatch_line("unused baseline: *")
