"""The static checks as one row of the report: a recipe's promise binds its artifact, a candidate's own record binds it."""

import json

import pytest

from pytest_unicomp.checkpoints import artifact_check
from pytest_unicomp.checkpoints.checks import Finding
from tests.methods import tiny
from tests.toys import artifact

IDENTITY = {"recipe": "toy", "family": "pruning", "gates": True, "confidence": 0.9}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return tiny.checkpoint(tmp_path_factory.mktemp("models") / "llama")


def failed(made, llama):
    return [finding.check for finding in artifact_check.findings(made, artifact(str(llama))) if finding.status == "fail"]


def test_a_recipe_s_settings_bind_its_artifact_and_a_candidate_binds_itself(llama):
    settings = {"method": "wanda", "sparsity": 0.5}
    assert failed(artifact(str(llama), settings=settings), llama) == ["sparsity"]
    assert failed(artifact(str(llama), settings=settings, family="candidate"), llama) == []
    assert failed(artifact(str(llama), settings=settings, family="distillation"), llama) == []


def test_what_is_shipped_is_looked_at_and_not_what_it_was_converted_to(llama, tmp_path):
    made = artifact(str(tmp_path / "converted"), family="candidate", settings={"original": {"path": str(llama)}})
    assert failed(made, llama) == []


def test_findings_are_made_anew_when_a_file_comes_in_that_no_fingerprint_covers(llama, tmp_path):
    made, reference = artifact(str(tmp_path)), artifact(str(llama))
    before = artifact_check.identity(made, reference)
    assert artifact_check.identity(made, reference) == before
    (tmp_path / "modeling.py").write_text("")
    assert artifact_check.identity(made, reference) != before
    assert json.loads(json.dumps(before)) == before


def test_the_check_passes_without_failures_and_names_each_failure_with_what_to_do():
    sound = Finding(check="a", status="pass", found="fine", expected="fine", action="")
    absent = Finding(check="b", status="not_applicable", found="nothing to see", expected="fine", action="")
    bad = Finding(check="c", status="fail", found="it is broken", expected="fine", action="mend it")
    passed = artifact_check.check(artifact("x"), [sound, absent], **IDENTITY)
    assert (passed.verdict, passed.n, passed.candidate.value) == ("pass", 1, 0)
    assert "1 checks passed, 1 do not apply" in passed.reason
    found = artifact_check.check(artifact("x"), [sound, absent, bad], **IDENTITY)
    assert (found.verdict, found.n, found.candidate.value, found.reason) == ("fail", 2, 1, "c: it is broken: mend it")
