"""Stored evidence: listed, shown, checked for what nobody reads, and taken over from a run."""

import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Source
from pytest_unicomp.cli import app
from pytest_unicomp.cli.commands import baseline_admin
from pytest_unicomp.compare import hashes
from pytest_unicomp.report.json import write
from pytest_unicomp.store.baselines import Baselines
from pytest_unicomp.store.local import Store
from tests.report.toy_report import small
from tests.toys import measurement


@pytest.fixture
def root(tmp_path):
    stored = Baselines(tmp_path / "baselines", tmp_path / "baselines")
    stored.write("org/base", "wanda-50", measurement([1.0, 0.0], benchmark="nano-reasoning"))
    stored.write("org/base", "wnada-50", measurement([1.0, 0.0], benchmark="nano-reasoning"))
    stored.write("org/base", "wanda-50", measurement([1.0, 0.0], benchmark="nano-reasonin"))
    return stored.folder


def run(*words):
    return CliRunner().invoke(app, ["baselines", *words], standalone_mode=False, catch_exceptions=False)


def told(*words):
    return json.loads(CliRunner().invoke(app, ["baselines", *words]).output)


def test_baselines_are_listed_with_their_numbers(root):
    rows = told("list", "--json", "--model", "org/base", "--baselines", str(root))
    assert {(row["recipe"], row["benchmark"], row["n"], row["value"]) for row in rows} >= {("wanda-50", "nano-reasonin", 2, 0.5)}
    assert len(rows) == 3
    with pytest.raises(UsageProblem, match=r"no baselines of 'org/bose'\. Did you mean 'org--base'"):
        run("list", "--model", "org/bose", "--baselines", str(root))


def test_one_is_shown_without_its_items(root):
    shown = told("show", "org/base", "wanda-50", "nano-reasoning", "--baselines", str(root))
    assert shown["conditions"]["benchmark"] == "nano-reasoning"
    assert "items" not in shown
    with pytest.raises(UsageProblem, match=r"Did you mean .*wanda-50/nano-reasoning"):
        run("show", "org/base", "wanda-50", "nano-reasonings", "--baselines", str(root))


def test_what_no_run_reads_is_named_with_the_reason(root):
    rows = {row["path"].rpartition("base/")[2]: row["reason"] for row in told("orphans", "--json", "--baselines", str(root))}
    assert rows.keys() == {"wanda-50/nano-reasonin.json", "wnada-50/nano-reasoning.json"}
    assert "Did you mean 'nano-reasoning'" in rows["wanda-50/nano-reasonin.json"]


def test_baselines_of_own_questions_and_of_tasks_of_lm_eval_are_read_by_runs(tmp_path, monkeypatch):
    stored = Baselines(tmp_path / "baselines", tmp_path / "baselines")
    for name in ("people", "persons", "lm-eval:arc_easy,metric=acc_norm", "lm-eval:arc_eazy"):
        stored.write("org/base", "wanda-50", measurement([1.0, 0.0], benchmark=name))
    (tmp_path / "unicomp.toml").write_text('[benchmarks.people]\nfile = "people.jsonl"\nscorer = "exact"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    rows = {row["path"].rpartition("/")[2] for row in told("orphans", "--json", "--baselines", str(stored.folder))}
    assert rows == {"persons.json", "lm-eval--arc_eazy.json"}


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageProblem, match="is not a folder"):
        run("list", "--baselines", str(tmp_path / "nowhere"))


def test_the_evidence_of_a_run_becomes_the_baseline_once(tmp_path):
    store, target = Store(tmp_path / "store"), Baselines(tmp_path / "baselines", tmp_path / "baselines")
    made = measurement([1.0, 1.0, 0.0])
    store.write("measurements", "k" * 32, made.model_dump(mode="json"))
    source = Source(side="candidate", kind="measurements", key="k" * 32, digest=hashes.content(made))
    report = small()
    place = next(place for place, check in enumerate(report.checks) if check.question == "retention")
    checks = list(report.checks)
    checks[place] = checks[place].model_copy(update={"sources": [source], "benchmark": made.benchmark})
    report = report.model_copy(update={"checks": checks})
    (written,) = baseline_admin.accept(report, store, target, only=())
    assert (written.benchmark, written.before) == ("toy", "no baseline")
    kept = target.read(report.reference.model, written.recipe, "toy")
    assert [item.score for item in kept.items] == [1.0, 1.0, 0.0]
    assert baseline_admin.accept(report, store, target, only=()) == [], "what is stored already is not written again"
    with pytest.raises(UsageProblem, match="the report has no recipe 'nobody'"):
        baseline_admin.accept(report, store, target, only=["nobody"])
    store.write("measurements", "k" * 32, measurement([0.0]).model_dump(mode="json"))
    with pytest.raises(UsageProblem, match=r"is not what it was when the report was made; give the run's --cache"):
        baseline_admin.accept(report, store, target, only=())


def test_a_recipe_that_gates_and_failed_is_refused_as_the_standard(tmp_path):
    report = small()
    with pytest.raises(UsageProblem, match=r"gptq-w4a16 did not pass \(reasoning\).*--even-if-failed"):
        baseline_admin.require_unfailed(report, only=())
    baseline_admin.require_unfailed(report, only=("rtn-w8a16",))


def test_the_command_stores_nothing_of_a_recipe_that_failed_unless_asked_to(tmp_path):
    write(small(), tmp_path / "gate.json")
    words = ["accept", str(tmp_path / "gate.json"), "--baselines", str(tmp_path / "kept"), "--cache", str(tmp_path / "store")]
    with pytest.raises(UsageProblem, match="gptq-w4a16 did not pass"):
        run(*words)
    assert not (tmp_path / "kept").exists()
    baseline_admin.require_unfailed(small(), only=["rtn-w8a16"])
    # The evidence of this report is in no store, so there is nothing to keep.
    assert "0 baselines written" in run(*words, "--even-if-failed").output
