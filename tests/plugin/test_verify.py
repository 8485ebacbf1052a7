"""`unicomp verify`: a report follows from its evidence, or the command says what does not."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from pytest_unicomp.cli import app

KINDS = ("measurements", "evidence", "timings", "findings", "reports")
RECORD = "the record of the run"


@pytest.fixture
def reported(gate, pytester, tmp_path):
    """A report with every question that is quick to ask, and a copy of the store that it rests on."""
    (pytester.path / "unicomp.toml").write_text('[must_pass]\nnano-knowledge = ["*7"]\n', encoding="utf-8")
    report = gate.report(
        "--unicomp-inform=wanda-2of4", "--unicomp-margin=0.4", benchmark="nano-knowledge,nano-safety,bytes", drift="auto", path=None
    )
    for name in KINDS:
        if (gate.store / name).is_dir():
            shutil.copytree(gate.store / name, tmp_path / "store" / name)
    report.pop("result")
    report.pop("ret")
    return report


def verify(report, tmp_path):
    path = tmp_path / "gate.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    done = CliRunner().invoke(app, ["verify", str(path), f"--cache={tmp_path / 'store'}", "--json"])
    rows = json.loads(done.output)
    return done.exit_code, {row["what"]: row for row in rows if row["state"] != "as_reported"}, rows


def changed(report, question, **fields):
    other = json.loads(json.dumps(report))
    next(check for check in other["checks"] if check["question"] == question).update(fields)
    return other


def test_an_untouched_report_follows_from_its_evidence_and_every_lie_in_it_is_found(reported, tmp_path):
    code, odd, rows = verify(reported, tmp_path)
    assert (code, odd) == (0, {})
    assert {row["what"].rpartition("(")[2] for row in rows if "(" in row["what"]} == {
        "artifact)",
        "retention)",
        "drift)",
        "must-pass)",
        "efficiency)",
    }
    assert {"the recipe rtn-w8a16", "the run"} <= {row["what"] for row in rows}
    lies = {
        "retention": {"difference": 0.0123},
        "drift": {"verdict": "pass", "reason": "as before"},
        "must_pass": {"verdict": "pass", "n": 4000},
        "efficiency": {"candidate": {"value": 1.0, "stderr": None}},
        "artifact": {"n": 3},
    }
    for question, fields in lies.items():
        code, odd, _ = verify(changed(reported, question, **fields), tmp_path)
        assert code == 1
        assert any(f"({question.replace('_', '-')})" in what and row["state"] == "differs" for what, row in odd.items())
        assert any(name in row["note"] for row in odd.values() for name in fields)


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("verdict",), "inconclusive", "the run"),
        (("exit_code",), 6, "the run"),
        (("recipes", 0, "verdict"), "inconclusive", "the recipe rtn-w8a16"),
        (("recipes", 0, "scores", "S_K"), 101.0, "the recipe rtn-w8a16"),
        (("policy", "alpha"), 0.01, "rtn-w8a16 on nano-knowledge (retention)"),
    ],
)
def test_a_verdict_that_does_not_follow_is_found(reported, tmp_path, path, value, what):
    *places, last = path
    part = reported
    for place in places:
        part = part[place]
    assert part[last] != value
    part[last] = value
    code, odd, _ = verify(reported, tmp_path)
    assert (code, odd[what]["state"]) == (1, "differs")


def test_what_a_report_concludes_and_tells_beside_its_checks_is_made_again_too(reported, tmp_path):
    told = next(claim for claim in reported["findings"] if claim["answer"] != "not tested")
    floored = next(check for check in reported["checks"] if check["flips"] and check["flips"]["floor"] is not None)
    assert any(source["side"] == "earlier" for source in floored["sources"])
    assert reported["origins"][0]["measurements"] > 0

    def lie(part, field, value, what):
        kept = part[field]
        part[field] = value
        code, odd, _ = verify(reported, tmp_path)
        part[field] = kept
        assert (code, odd[what]["state"]) == (1, "differs")
        return odd[what]["note"]

    assert told["claim"] in lie(told, "answer", "holds" if told["answer"] != "holds" else "undecided", "the findings")
    assert told["claim"] in lie(reported, "findings", [], "the findings")
    assert "H100" in lie(reported["origins"][0], "machine", "8 x H100", "the origins")
    assert "flips" in lie(floored["flips"], "floor", 0.4321, f"{floored['recipe']} on {floored['benchmark']} (retention)")
    gain = {"recipe": "rtn-w8a16", "calibration": "own", "target": "reasoning", "capability": "knowledge", "metric": "rate"}
    gain |= {"benchmarks": [], "n": 9, "difference": 0.1, "interval": [0.05, 0.15], "confidence": 0.9, "verdict": "pass", "reason": "gains"}
    assert "calibration_gains" in lie(reported, "calibration_gains", [gain], "the run")
    # Untouched again, all of it follows.
    assert verify(reported, tmp_path)[:2] == (0, {})


def test_evidence_that_is_gone_is_missing_and_evidence_that_was_touched_is_changed(reported, tmp_path):
    check = next(check for check in reported["checks"] if check["question"] == "retention")
    source = next(source for source in check["sources"] if source["side"] == "candidate")
    file = tmp_path / "store" / source["kind"] / f"{source['key']}.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    document["items"][0]["score"] = 1 - document["items"][0]["score"]
    file.write_text(json.dumps(document), encoding="utf-8")
    code, odd, _ = verify(reported, tmp_path)
    assert (code, odd["rtn-w8a16 on nano-knowledge (retention)"]["state"]) == (1, "changed")
    file.unlink()
    code, odd, _ = verify(reported, tmp_path)
    assert code == 7
    assert odd["rtn-w8a16 on nano-knowledge (retention)"]["state"] == "missing"
    assert source["key"] in odd["rtn-w8a16 on nano-knowledge (retention)"]["note"]


def test_a_verdict_whose_evidence_the_report_no_longer_names_is_not_taken_on_trust(reported, tmp_path):
    code, odd, _ = verify(changed({**reported, "record": None}, "retention", sources=[], verdict="pass"), tmp_path)
    assert code == 7
    assert odd["rtn-w8a16 on nano-knowledge (retention)"]["state"] == "missing"
    assert "names no evidence" in odd["the recipe rtn-w8a16"]["note"]


def without(report, *gone):
    """The report without the checks of these benchmarks and questions and without its record, concluded again as one would who hides them."""
    from pytest_unicomp.api.records import Report
    from pytest_unicomp.cli.verify import _policy
    from pytest_unicomp.run.conclude import recipe as concluded

    answer = Report.model_validate(report)
    checks = [check for check in answer.checks if (check.benchmark, check.question) not in gone]
    policy = _policy(answer)
    recipes = []
    for row in answer.recipes:
        own = [check for check in checks if check.recipe == row.recipe]
        kept = row.model_dump(include={"scores", "score_intervals", "score_basis", "published"})
        recipes.append(concluded(own, row.artifact, policy=policy).model_copy(update=kept))
    return answer.model_copy(update={"checks": checks, "recipes": recipes, "record": None}).model_dump(mode="json")


@pytest.mark.parametrize("gone", [("nano-knowledge", "must_pass"), ("bytes", "efficiency"), ("artifact", "artifact")])
def test_a_planned_check_that_a_report_lacks_is_missing_and_named(reported, tmp_path, gone):
    code, odd, _ = verify(without(reported, gone), tmp_path)
    assert odd["the plan"]["state"] == "missing"
    assert f"rtn-w8a16 on {gone[0]} ({gone[1].replace('_', '-')})" in odd["the plan"]["note"]
    assert "1 of 5 planned checks" in odd["the plan"]["note"]
    assert "wanda-2of4" not in odd["the plan"]["note"], "what informs is not asked for"
    assert (code, set(odd)) == (7, {"the plan", RECORD})


def test_of_many_lacking_checks_the_first_are_named_and_a_report_without_its_plan_is_not_whole(reported, tmp_path):
    kept = ("nano-knowledge", "retention")
    gone = {(check["benchmark"], check["question"]) for check in reported["checks"]} - {kept}
    _, odd, _ = verify(without(reported, *gone), tmp_path)
    assert odd["the plan"]["note"].startswith("4 of 5 planned checks are not in the report: rtn-w8a16 on artifact (artifact), ")
    assert "(efficiency)" not in odd["the plan"]["note"]
    assert "and 1 more; " in odd["the plan"]["note"]
    del reported["policy"]["benchmarks"]
    reported["record"] = None
    code, odd, _ = verify(reported, tmp_path)
    assert (code, odd["the plan"]["state"]) == (7, "missing")


def test_a_run_of_a_part_of_the_tests_is_no_lie_but_not_the_whole_plan(gate, tmp_path):
    report = gate.report("-k", "test_retention", "--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4", benchmark="nano-knowledge,bytes")
    report.pop("result"), report.pop("ret")
    shutil.copytree(gate.store, tmp_path / "store", dirs_exist_ok=True)
    code, odd, _ = verify(report, tmp_path)
    assert code == 7
    assert {what: row["state"] for what, row in odd.items()} == {"the plan": "missing"}
    assert "rtn-w8a16 on artifact (artifact), rtn-w8a16 on bytes (efficiency)" in odd["the plan"]["note"]


def test_a_report_that_is_none_is_refused_in_one_line(tmp_path):
    import subprocess
    import sys

    (tmp_path / "gate.json").write_text("{}", encoding="utf-8")
    command = [sys.executable, "-c", "from pytest_unicomp.cli import main; main()", "verify", str(tmp_path / "gate.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert len(done.stderr.strip().splitlines()) == 1


def test_parts_that_early_stopping_took_are_put_together_again(gate, pytester, tmp_path):
    report = gate.report("--unicomp-sequential", "--unicomp-limit=120", "--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4")
    (check,) = [check for check in report["checks"] if check["question"] == "retention"]
    assert any(source["part"] for source in check["sources"])
    assert check["n"] < 120
    report.pop("result"), report.pop("ret")
    for name in KINDS:
        shutil.copytree(gate.store / name, tmp_path / "store" / name) if (gate.store / name).is_dir() else None
    assert verify(report, tmp_path)[:2] == (0, {})


def test_a_recipe_that_was_to_gate_and_is_gone_whole_is_named(reported, tmp_path):
    assert reported["policy"]["gating"] == ["rtn-w8a16"]
    reported["policy"]["gating"].append("gptq-w4a16")
    reported["record"] = None
    code, odd, _ = verify(reported, tmp_path)
    assert (code, set(odd)) == (7, {"the plan", RECORD})
    assert "the report has no row for gptq-w4a16" in odd["the plan"]["note"]
