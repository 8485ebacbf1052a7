"""The JSON report: written, read back, refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UnicompError, UsageProblem
from pytest_unicomp.api.records import Report
from pytest_unicomp.report import json as report_json
from pytest_unicomp.report import schema
from tests.report.toy_report import report as make_report


def test_a_written_report_is_read_back_unchanged(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "new" / "gate.json"
    report_json.write(report, path)
    assert report_json.read(path) == report


def test_every_field_is_written_even_when_nothing_is_known(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    report_json.write(report, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(content, schema.load())
    assert set(content) == set(schema.load()["required"])
    broken = next(check for check in content["checks"] if check["verdict"] == "error")
    assert broken["difference"] is None
    assert broken["reference"] == {"value": None, "stderr": None}


def test_fields_stand_in_the_schemas_order_and_free_mappings_are_sorted(report: Report) -> None:
    shuffled = report.model_copy(update={"policy": dict(reversed(report.policy.items()))})
    first, second = report_json.document(report), report_json.document(shuffled)
    assert json.dumps(first) == json.dumps(second)
    assert list(first) == list(schema.load()["properties"])
    assert list(first["policy"]) == sorted(first["policy"])


def test_numbers_that_are_none_become_null(tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    report_json.write(make_report([], environment={"load": math.nan, "memory": [math.inf], "path": Path("x")}), path)
    assert json.loads(path.read_text(encoding="utf-8"))["environment"] == {"load": None, "memory": [None], "path": "x"}


def test_a_report_from_before_the_field_accepted_still_reads(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    report_json.write(report, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    for check in content["checks"]:
        del check["accepted"]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert report_json.read(path) == report


def test_a_report_against_its_schema_is_refused_and_the_old_file_stays(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    path.write_text("old")
    with pytest.raises(UnicompError, match=r"verdict.*'perhaps'.*was not written"):
        report_json.write(report.model_copy(update={"verdict": "perhaps"}), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read as a report"),
        ("[1]", "its schema is None"),
        ('{"schema": "unicomp-report/2"}', "its schema is 'unicomp-report/2'"),
        ('{"schema": "unicomp-report/1"}', "not a valid report: created"),
        ('{"schema": "unicomp-report/1", "exit_code": NaN}', "NaN is no number of JSON"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "gate.json"
    path.write_text(content)
    with pytest.raises(UsageProblem) as caught:
        report_json.read(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_report_that_is_not_there_is_a_usage_problem(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be read as a report"):
        report_json.read(tmp_path / "none.json")


@settings(max_examples=40, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_the_file(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("round") / "gate.json"
    original = make_report([], reason=text, environment={"text": text})
    report_json.write(original, path)
    assert report_json.read(path) == original
