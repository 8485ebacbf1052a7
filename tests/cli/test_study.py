"""`unicomp study`: reports in, tables and files out, and every mistake in one line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli import app
from tests.report.study import toy_study


@pytest.fixture
def paths(tmp_path):
    return [str(path) for path in toy_study.files(tmp_path, toy_study.report("small", 10), toy_study.report("large", 99, limit=50))]


def asked(*words):
    return CliRunner().invoke(app, ["study", *words])


def test_the_terminal_shows_models_what_differs_quality_and_retention(paths):
    found = asked(*paths, "--class", "large=thinking")
    assert found.exit_code == 0
    lines = [line.split() for line in found.stdout.splitlines()]
    assert ["options", "limit", "noted", "none", "50"] in lines
    assert "pass 78.0 [76.6, 79.4]" in found.stdout or "78.0 [76.6, 79.4]" in found.stdout
    assert found.stdout.isascii()


def test_files_of_every_suffix_are_written_and_json_holds_the_schema(paths, tmp_path):
    outputs = [tmp_path / f"study.{suffix}" for suffix in ("html", "md", "tex", "json")]
    found = asked(*paths, *(word for path in outputs for word in ("-o", str(path))), "--json")
    assert json.loads(found.stdout)["schema"] == "unicomp-study/1"
    assert json.loads(outputs[3].read_text(encoding="utf-8")) == json.loads(found.stdout)
    assert all(path.stat().st_size > 1000 for path in outputs)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-o", "study.pdf"), "suffix '.pdf'; expected one of .html"),
        (("--class", "larg=thinking"), "no report is of 'larg'.*Did you mean 'large'"),
        (("--class", "large=thinkin"), "no class 'thinkin'.*Did you mean 'thinking'"),
    ],
)
def test_a_mistake_is_said_before_anything_is_written(paths, words, says):
    found = asked(*paths, *words)
    assert isinstance(found.exception, UsageProblem)
    with pytest.raises(UsageProblem, match=says):
        raise found.exception


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "is not JSON"), ('{"schema": "other"}', "is no report: its schema is 'other'"), ("[" * 200 + "]" * 200, "nested too deeply")],
)
def test_a_file_that_is_no_report_is_refused_in_one_line(paths, tmp_path, content, says):
    broken = tmp_path / "broken.json"
    broken.write_text(content, encoding="utf-8")
    found = asked(*paths, str(broken))
    assert isinstance(found.exception, UsageProblem)
    assert says in str(found.exception)
    assert "\n" not in str(found.exception)


@pytest.mark.parametrize("confidence", ["high", True, 0, 1.5, None])
def test_a_policy_without_a_confidence_is_refused(paths, tmp_path, confidence):
    broken = tmp_path / "r1.json"
    content = json.loads(broken.read_text(encoding="utf-8"))
    content["policy"]["confidence"] = confidence
    broken.write_text(json.dumps(content), encoding="utf-8")
    found = asked(*paths)
    assert isinstance(found.exception, UsageProblem)
    assert "policy.confidence" in str(found.exception)


@pytest.mark.parametrize("count", [1, 2])
def test_every_claim_is_answered_once_for_one_model_as_for_several(paths, count):
    lines = asked(*paths[:count]).stdout.splitlines()
    assert sum(line.startswith("    statistic: ") for line in lines) == 22
    assert any("knowledge is kept better than reasoning: holds: +36" in line for line in lines)
