"""`unicomp report` and `unicomp score`: what is made of a JSON report."""

import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp import report
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli import app
from tests.report.toy_report import small


def run(*words):
    return CliRunner().invoke(app, list(words))


def test_a_page_is_made_from_a_json_report_alone(tmp_path):
    report.write(small(), tmp_path / "gate.json")
    done = run("report", str(tmp_path / "gate.json"), "-o", str(tmp_path / "gate.html"), "-o", str(tmp_path / "gate.md"))
    assert done.exit_code == 0
    direct = tmp_path / "direct.html"
    report.write(small(), direct)
    assert (tmp_path / "gate.html").read_bytes() == direct.read_bytes()
    assert (tmp_path / "gate.md").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["-o", "card.md", "--recipe", "w4a16"], "--recipe chooses the recipe of a model card; add --model-card"),
        (["-o", "card.html", "--model-card"], "--model-card needs an output with the suffix .md"),
        (["-o", "page.pdf"], "page.pdf"),
    ],
)
def test_options_of_a_page_that_contradict_each_other_are_refused_before_anything_is_read(words, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = run("report", "nowhere.json", *words)
    assert isinstance(found.exception, UsageProblem)
    assert problem in str(found.exception)


def test_scores_of_a_report_name_each_score_with_value_and_interval(tmp_path):
    report.write(small(), tmp_path / "gate.json")
    found = json.loads(run("score", str(tmp_path / "gate.json"), "--json").output)
    assert set(found) == {recipe.recipe for recipe in small().recipes}
    assert {"value", "interval", "basis", "published"} == set(next(iter(next(iter(found.values())).values())))


def test_scores_come_either_from_a_report_or_from_the_paper():
    assert "needs either a JSON report or --published" in str(run("score").exception)
    assert "needs either a JSON report or --published" in str(run("score", "x.json", "--published").exception)
    assert "expected paper or corrected. Did you mean 'paper'" in str(run("score", "--published", "--scoring", "papr").exception)


def test_a_judge_that_does_not_exist_is_refused():
    assert "there is no judge of 'refusals'; expected refusal. Did you mean 'refusal'" in str(run("judge", "refusals").exception)
