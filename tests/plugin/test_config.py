"""unicomp.toml, [tool.unicomp] and `--unicomp-config`."""

import pytest


def test_a_project_file_gives_what_the_flags_leave_open(gate, pytester):
    pytester.makefile(".toml", unicomp='margin = 0.4\nbenchmark_margin = 0.4\nrecipe = ["rtn-w8a16"]\n')
    report = gate.report(recipe=None)
    assert report["policy"]["margin"] == 0.4
    assert report["ret"] == 0


def test_a_flag_wins_over_the_project_file(gate, pytester):
    pytester.makepyprojecttoml("[tool.unicomp]\nmargin = 0.2\n[tool.pytest.ini_options]\n")
    assert gate.report("--unicomp-margin=0.3")["policy"]["margin"] == 0.3
    assert gate.report()["policy"]["margin"] == 0.2


def test_a_named_file_replaces_the_project_file(gate, pytester):
    pytester.makefile(".toml", unicomp="margin = 0.1\n", release="margin = 0.25\n")
    assert gate.report("--unicomp-config=release.toml")["policy"]["margin"] == 0.25


def test_a_named_file_that_is_missing_is_a_usage_error(gate):
    result = gate("--unicomp-config=nowhere.toml")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*nowhere.toml cannot be read*"])


def test_a_recipe_defined_in_the_project_file_is_judged_like_the_built_in_ones(gate, pytester):
    """Its settings are in the report; two bits cost nano a part of its knowledge, so a definition that was ignored would pass."""
    pytester.makefile(".toml", unicomp='[recipes]\nrtn-w2a16 = { method = "rtn", bits = 2 }\n')
    report = gate.report(recipe="rtn-w2a16")
    (recipe,) = report["recipes"]
    assert (recipe["recipe"], recipe["settings"]["bits"]) == ("rtn-w2a16", 2)
    assert recipe["verdict"] != "pass"


def test_a_wrong_definition_of_a_recipe_stops_the_run_before_anything_is_made(gate, pytester):
    pytester.makefile(".toml", unicomp='[recipes]\nmine = { method = "rtn", bit = 2 }\n')
    result = gate(recipe="mine")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*unicomp.toml:2: recipes.mine.bit: recipe 'mine': method 'rtn' has no setting 'bit'*"])


def test_margins_by_name_come_from_the_file_and_stand_in_the_report(gate, pytester):
    (pytester.path / "unicomp.toml").write_text('[margins]\nknowledge = 0.4\n[margins.wanda-2of4]\nacc = "90%"\n')
    report = gate.report(recipe="rtn-w8a16,wanda-2of4")
    assert report["policy"]["margins"] == {"knowledge": 0.4, "wanda-2of4": {"acc": "90%"}}
    margins = {check["recipe"]: check["margin"] for check in report["checks"] if check["question"] == "retention"}
    assert margins["rtn-w8a16"] == 0.05
    assert margins["wanda-2of4"] > 0.5
    assert {capability["margin"] for recipe in report["recipes"] for capability in recipe["capabilities"]} == {0.4}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[margins]\nknowlege = 0.1",
            "*unicomp.toml:2: margins.knowlege: no capability, benchmark or metric has that name. Did you mean 'knowledge'*",
        ),
        ("[margins]\nknowledge = nan", "*unicomp.toml:2: margins.knowledge is nan; expected a finite number*"),
        ("[margins]\nknowledge = 0", "*margins.knowledge is 0; expected a number above 0*"),
        ("[margins.rtn-w8a61]\nknowledge = 0.1", "*no recipe of this run has that name. Did you mean 'rtn-w8a16'*"),
        ("[margins.rtn-w8a16]\n\nacc = inf", "*unicomp.toml:3: margins.rtn-w8a16.acc is inf; expected a finite number*"),
        ("[margins]\nknowledge = 5", "*unicomp.toml:2: margins.knowledge is 5; expected a number below 1*Did you mean 0.05*"),
        ("[margins]\nbytes = 0.1", "*unicomp.toml:2: margins.bytes: bytes is an efficiency measure*set a limit in*"),
        ("margins = 0.1", "*unicomp.toml:1: margins is 0.1; expected a table of margins by the name*"),
        ("[limits]\nbytes = nan", "*unicomp.toml:2: limits.bytes is nan; expected*"),
    ],
)
def test_margins_that_nothing_would_meet_are_refused(gate, pytester, text, line):
    (pytester.path / "unicomp.toml").write_text(text)
    result = gate()
    assert result.ret == 4
    result.stderr.fnmatch_lines([line])
