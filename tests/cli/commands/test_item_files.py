"""Two files become two measurements of the same items."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.commands.item_files import About, measurements, task_of
from pytest_unicomp.cli.commands.score_sheet import Choice


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("samples_arc_easy_2026-01-01T10-00-00.000000.jsonl", "arc_easy"),
        ("samples_gsm8k.jsonl", "gsm8k"),
        ("int4.jsonl", "int4"),
        ("half\udcff.jsonl", "half\\udcff"),
    ],
)
def test_a_file_is_named_after_its_task(name, task):
    assert task_of(Path(name)) == task


def test_the_order_of_lines_does_not_matter_and_ids_may_be_numbers(tmp_path):
    rows = [{"id": place, "score": place % 2} for place in range(9)]
    found = measurements(written(tmp_path / "a", rows), written(tmp_path / "b", rows[::-1]), Choice(), About("toy"))
    assert found.mismatch is None
    assert {item.id: item.score for item in found.reference.items} == {item.id: item.score for item in found.candidate.items}


def test_an_item_of_another_document_is_named(tmp_path):
    first = [{"id": "a", "score": 1, "target": "3"}, {"id": "b", "score": 1, "target": "4"}]
    second = [first[0], {**first[1], "target": "5"}]
    found = measurements(written(tmp_path / "a", first), written(tmp_path / "b", second), Choice(), About("toy"))
    assert (
        found.mismatch == "1 item (b) is another document in the candidate: item b: target is '4' in the reference and '5' in the candidate"
    )
    assert [one.prompt_digest == other.prompt_digest for one, other in zip(found.reference.items, found.candidate.items, strict=True)] == [
        True,
        False,
    ]


@pytest.mark.parametrize("key", [None, True, [1], {"a": 1}])
def test_an_id_that_is_no_name_is_refused(tmp_path, key):
    path = written(tmp_path / "a", [{"id": key, "score": 1}])
    with pytest.raises(UsageProblem, match=r"a:1: 'id' is .* expected a text or a number"):
        measurements(path, path, Choice(), About("toy"))


def test_the_metric_of_an_older_file_is_found_although_its_first_score_is_missing(tmp_path):
    path = written(tmp_path / "a", [{"doc_id": 0, "doc": {}, "acc": float("nan")}, {"doc_id": 1, "doc": {}, "acc": 1.0}])
    with pytest.raises(UsageProblem, match=r"'acc' is not a finite number for 1 item \(0\); the first is NaN"):
        measurements(path, path, Choice(), About("toy"))


def test_a_metric_that_plain_lines_lack_is_not_replaced_by_another(tmp_path):
    path = written(tmp_path / "a", [{"id": 0, "score": 1, "f1": 0.5}])
    assert measurements(path, path, Choice(metric="f1"), About("toy")).reference.value == 0.5
    with pytest.raises(UsageProblem, match="has no metric 'acc'; found f1, id, score"):
        measurements(path, path, Choice(metric="acc"), About("toy"))
