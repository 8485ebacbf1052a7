"""Rankings of recipes: `unicomp compare-recipes` prints them, and `unicomp verify` makes them again from the evidence."""

from __future__ import annotations

import copy
import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp.api.records import Report
from pytest_unicomp.cli import app
from pytest_unicomp.cli.verify import verify


@pytest.fixture
def written(reported, tmp_path):
    path = tmp_path / "gate.json"
    path.write_text(json.dumps(reported), encoding="utf-8")
    return path


def compare(*arguments):
    return CliRunner().invoke(app, ["compare-recipes", *map(str, arguments)])


def test_the_report_ranks_its_recipes(reported):
    (ranking,) = reported["rankings"]
    assert (ranking["capability"], ranking["n"]) == ("knowledge", 16)
    assert {row["recipe"] for row in ranking["recipes"]} == {"rtn-w8a16", "wanda-2of4"}


def test_all_recipes_of_a_report_are_printed_from_the_report_alone(written):
    done = compare(written)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "knowledge (nano-knowledge; 16 items; 90 % intervals)"
    assert any("rtn-w8a16 - wanda-2of4: " in line for line in lines)
    assert done.output.isascii()


def test_named_recipes_are_ranked_again_from_the_store(written, store, reported):
    done = compare(written, "wanda-2of4,rtn-w8a16", f"--cache={store.root}", "--json")
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.output)
    assert found == reported["rankings"][0]


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["rtn-w8a61", "wanda-2of4"], "has no recipe 'rtn-w8a61'; expected one of: rtn-w8a16, wanda-2of4. Did you mean 'rtn-w8a16'?"),
        (["rtn-w8a16"], "compare-recipes found one recipe, rtn-w8a16; expected at least two, or none for all of the report."),
    ],
)
def test_what_cannot_be_compared_is_one_line(written, names, line):
    done = compare(written, *names)
    assert done.exit_code != 0
    assert line in str(done.exception)


@pytest.mark.parametrize("command", [("compare-recipes", "rtn-w8a16", "wanda-2of4"), ("why", "wanda-2of4", "knowledge")])
@pytest.mark.parametrize("alpha", [None, "0.05", True, 0.7])
def test_a_report_without_an_error_level_is_one_line(reported, tmp_path, command, alpha):
    path = tmp_path / "gate.json"
    path.write_text(json.dumps({**reported, "policy": {**reported["policy"], "alpha": alpha}}), encoding="utf-8")
    done = CliRunner().invoke(app, [command[0], str(path), *command[1:]])
    assert f"policy.alpha of the report is {alpha!r}; expected a number above 0 and below 0.5" in str(done.exception)


def test_a_check_without_evidence_is_trouble_and_not_a_fault_of_the_program(reported, store, tmp_path):
    bare = [{**check, "sources": []} for check in reported["checks"]]
    path = tmp_path / "gate.json"
    path.write_text(json.dumps({**reported, "checks": bare}), encoding="utf-8")
    done = compare(path, "rtn-w8a16", "wanda-2of4", f"--cache={store.root}")
    assert "names no evidence" in str(done.exception)


def test_an_empty_store_is_trouble_and_not_an_empty_answer(written, tmp_path):
    done = compare(written, "rtn-w8a16", "wanda-2of4", f"--cache={tmp_path / 'empty'}")
    assert done.exit_code != 0
    assert "is not in the store" in str(done.exception)


@pytest.mark.parametrize(
    "edit",
    [
        lambda ranking: ranking["pairs"][0].update(better="wanda-2of4"),
        lambda ranking: ranking["recipes"][0].update(ranks=[1, 1]),
        lambda ranking: ranking["pairs"][0].update(difference=0.4),
        lambda ranking: ranking.update(left_out={"rtn-w8a16": "made up"}),
    ],
)
def test_a_ranking_that_its_evidence_does_not_give_is_found(reported, store, edit):
    edited = copy.deepcopy(reported)
    edit(edited["rankings"][0])
    if edited == reported:
        pytest.skip("this report says so already")
    answers = {answer.what: answer for answer in verify(Report.model_validate(edited), store)}
    assert answers["the rankings"].state == "differs"
