"""Two reports are the same if they differ only in what two equal runs do not share."""

import copy
import json

import pytest

from benchmarks.same_report import differences, main
from tests.report import toy_report


@pytest.fixture
def report():
    return json.loads(toy_report.full().model_dump_json(by_alias=True))


def changed(report, *places):
    """Return a copy in which the leaf at each place has another value."""
    copied = copy.deepcopy(report)
    for *way, last, value in places:
        parent = copied
        for step in way:
            parent = parent[step]
        parent[last] = value
    return copied


def timed(report):
    return next(place for place, check in enumerate(report["checks"]) if check["metric"] == "seconds")


def paired(report):
    return next(place for place, check in enumerate(report["checks"]) if check["question"] == "retention")


def test_times_versions_machine_and_paths_do_not_count(report):
    other = changed(
        report,
        ("created", "2031-01-01T00:00:00+00:00"),
        ("environment", "versions", {"torch": "9.9"}),
        ("environment", "cpu", "another"),
        ("origins", 0, "machine", "another"),
        ("recipes", 0, "artifact", "path", "/elsewhere"),
        ("recipes", 0, "artifact", "compress_seconds", 1e6),
        ("recipes", 0, "scores", "S_RA", 1.0),
        ("pareto", 0, "front", None),
        ("checks", paired(report), "seconds", 99.0),
        ("checks", paired(report), "accepted", True),
        ("checks", timed(report), "verdict", "inconclusive"),
        ("checks", timed(report), "candidate", {"value": 7.0, "stderr": None}),
        ("kernels", 0, "layers", 0, "ratio", 0.1),
    )
    assert other != report
    assert differences(report, other) == {}


def test_each_value_that_differs_is_named_by_its_path(report):
    place = paired(report)
    other = changed(report, ("checks", place, "difference", -0.5), ("checks", place, "verdict", "error"), ("exit_code", 99))
    name = f"$.checks[{report['checks'][place]['nodeid']}]"
    assert set(differences(report, other)) == {f"{name}.difference", f"{name}.verdict", "$.exit_code"}
    assert differences(report, other)[f"{name}.difference"] == (report["checks"][place]["difference"], -0.5)


def test_the_margin_of_a_timing_counts_though_its_answer_does_not(report):
    place = timed(report)
    other = changed(report, ("checks", place, "margin", 0.9), ("checks", place, "reason", "otherwise"))
    assert [path.rpartition(".")[2] for path in differences(report, other)] == ["margin"]


def test_the_memory_of_a_process_is_a_reading_and_the_bytes_of_files_are_not(report):
    place = next(place for place, check in enumerate(report["checks"]) if check["benchmark"] == "bytes")
    for benchmark, fields in (("peak-memory", []), ("bytes", ["value"])):
        one = changed(report, ("checks", place, "benchmark", benchmark))
        other = changed(one, ("checks", place, "candidate", "value", 1.0))
        assert [path.rpartition(".")[2] for path in differences(one, other)] == fields


def test_a_check_that_is_gone_moves_no_other(report):
    other = copy.deepcopy(report)
    gone = other["checks"].pop(0)
    assert {path.split("].")[0] for path in differences(report, other)} == {f"$.checks[{gone['nodeid']}"}


@pytest.mark.parametrize(("first", "second", "equal"), [(0.1 + 0.2, 0.3, True), (1, 1.0, True), (1.0, 1.0001, False), (1, True, False)])
def test_numbers_may_differ_by_rounding_alone(report, first, second, equal):
    one, other = changed(report, ("policy", "alpha", first)), changed(report, ("policy", "alpha", second))
    assert (differences(one, other) == {}) is equal


def test_the_program_exits_1_if_any_value_differs_that_is_not_left_out(report, tmp_path, capsys):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps(report))
    second.write_text(json.dumps(changed(report, ("reason", "otherwise"))))
    assert main([str(first), str(first)]) == 0
    assert main([str(first), str(second)]) == 1
    assert "$.reason: " in capsys.readouterr().out
    assert main([str(first), str(second), "--leave", "reason"]) == 0


def test_a_report_that_is_not_there_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    assert "there is no file" in capsys.readouterr().err
