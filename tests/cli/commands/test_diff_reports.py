"""Two reports side by side: what became worse, what moved, and what the runs do not share."""

import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp import report as reports
from pytest_unicomp.cli import app
from pytest_unicomp.cli.commands.diff_reports import diff_reports, lines
from tests.report.toy_report import small


def changed(verdict, **fields):
    """The toy report with the first gating recipe and its first check given another verdict."""
    first = small()
    index, recipe = next((place, recipe) for place, recipe in enumerate(first.recipes) if recipe.gates)
    where = next(place for place, check in enumerate(first.checks) if check.recipe == recipe.recipe and check.interval is not None)
    recipes, checks = list(first.recipes), list(first.checks)
    recipes[index] = recipe.model_copy(update={"verdict": verdict})
    checks[where] = checks[where].model_copy(update={"verdict": verdict, "difference": -0.2, "interval": (-0.25, -0.15)})
    return first, first.model_copy(update={"recipes": recipes, "checks": checks, **fields}), recipe, first.checks[where]


def test_a_report_beside_itself_shows_nothing():
    found = diff_reports(small(), small())
    assert found.exit_code == 0
    assert {row.change for row in found.rows} == {"same"}
    assert found.conditions == []


def test_a_verdict_that_became_worse_is_named_with_both_intervals():
    first, second, recipe, check = changed("error")
    found = diff_reports(first, second)
    assert found.exit_code == 1
    worse = {row.what: row for row in found.rows if row.change == "worse"}
    assert recipe.recipe in worse
    row = worse[f"{recipe.recipe} on {check.benchmark} ({check.question})"]
    assert (row.first.interval, row.second.interval) == (check.interval, (-0.25, -0.15))
    assert any(line.startswith(f"worse: {row.what}") and "[-25.0, -15.0]" in line for line in lines(found))
    assert diff_reports(second, first).exit_code == 0, "what became better is no failure"


def test_what_informs_only_may_become_worse():
    first = small()
    recipes = [recipe if recipe.gates else recipe.model_copy(update={"verdict": "error"}) for recipe in first.recipes]
    assert [recipe.verdict for recipe in recipes] != [recipe.verdict for recipe in first.recipes]
    found = diff_reports(first, first.model_copy(update={"recipes": recipes}))
    assert found.exit_code == 0
    assert any(row.change == "worse" for row in found.rows)


def test_another_reference_does_not_compare_and_other_conditions_are_listed():
    first = small()
    other = first.reference.model_copy(update={"fingerprint": "another"})
    found = diff_reports(first, first.model_copy(update={"reference": other, "policy": {**first.policy, "margin": 0.2}}))
    assert found.exit_code == 6
    assert {"reference fingerprint", "policy: margin"} <= {condition.what for condition in found.conditions}


def test_a_check_that_is_in_one_report_alone_is_said():
    first = small()
    found = diff_reports(first, first.model_copy(update={"checks": first.checks[1:]}))
    assert [row.change for row in found.rows if row.change != "same"] == ["only in the first"]
    assert found.exit_code == 0, "it informs only"


@pytest.mark.parametrize("kind", ["check", "capability"])
def test_something_that_gates_and_is_gone_is_as_bad_as_something_that_became_worse(kind):
    first = small()
    place, recipe = next((place, recipe) for place, recipe in enumerate(first.recipes) if recipe.gates and recipe.capabilities)
    if kind == "check":
        gone = next(check for check in first.checks if check.recipe == recipe.recipe)
        second = first.model_copy(update={"checks": [check for check in first.checks if check is not gone]})
    else:
        recipes = list(first.recipes)
        recipes[place] = recipe.model_copy(update={"capabilities": recipe.capabilities[1:]})
        second = first.model_copy(update={"recipes": recipes})
    found = diff_reports(first, second)
    assert [(row.kind, row.change) for row in found.rows if row.change != "same"] == [(kind, "only in the first")]
    assert found.exit_code == 1
    assert lines(found)[-1] == "unicomp: 0 verdicts that gate are worse in the second, 1 are missing from it"
    assert diff_reports(second, first).exit_code == 0, "more than before is no failure"


def excused(report, name, **fields):
    """The report in which one waiver excuses what would fail the recipe of that name."""
    from tests.report.toy_report import waivers

    applied = waivers()[0].model_copy(update={"recipe": name})
    recipes = [
        recipe.model_copy(update={"verdict": "pass", "without_waivers": "fail"}) if recipe.recipe == name else recipe
        for recipe in report.recipes
    ]
    return report.model_copy(update={"recipes": recipes, "waivers": [applied, waivers()[1]], **fields})


def test_a_verdict_that_rests_on_waivers_is_not_the_same_verdict():
    whole = small()
    name = next(recipe.recipe for recipe in whole.recipes if recipe.gates and recipe.verdict == "pass")
    first = whole.model_copy(update={"verdict": "pass", "without_waivers": "pass"})
    second = excused(first, name, without_waivers="fail")
    found = diff_reports(first, second)
    rows = {row.what: row for row in found.rows if row.kind in ("run", "recipe")}
    assert (rows["the run"].change, rows[name].change, found.exit_code) == ("worse", "worse", 1)
    assert rows[name].second.waivers == rows["the run"].second.waivers == 1
    assert f"worse: {name}: PASS -> PASS (with 1 waiver, without: FAIL)" in lines(found)
    assert {row.what for row in diff_reports(second, first).rows if row.change == "better"} == {"the run", name}


def test_more_waivers_under_the_same_verdicts_are_shown():
    name = next(recipe.recipe for recipe in small().recipes if recipe.gates and recipe.verdict == "pass")
    first = excused(small(), name)
    second = first.model_copy(update={"waivers": [*first.waivers, first.waivers[0].model_copy(update={"benchmark": "other"})]})
    found = diff_reports(first, second)
    assert found.exit_code == 0
    assert f"same verdict: {name}: PASS (with 1 waiver, without: FAIL) -> PASS (with 2 waivers, without: FAIL)" in lines(found)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_tells_people_and_programs(tmp_path, as_json):
    first, second, recipe, _ = changed("error")
    for name, answer in (("a.json", first), ("b.json", second)):
        reports.write(answer, tmp_path / name)
    done = CliRunner().invoke(app, ["diff", str(tmp_path / "a.json"), str(tmp_path / "b.json"), *(["--json"] if as_json else [])])
    assert done.exit_code == 1
    if as_json:
        document = json.loads(done.output)
        assert document["exit_code"] == 1
        assert any(row["change"] == "worse" and row["what"] == recipe.recipe for row in document["rows"])
    else:
        assert "verdicts that gate are worse in the second" in done.output.splitlines()[-1]
