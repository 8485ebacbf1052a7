"""`--unicomp-calibration` and its amounts, form and target."""

from __future__ import annotations

import json

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report import html, markdown

SMALL = ("--unicomp-calibration-samples=16", "--unicomp-calibration-tokens=64")


def test_a_target_makes_calibrated_recipes_twice_and_reports_the_paired_gain(gate):
    report = gate.report(*SMALL, "--unicomp-calibration-target=reasoning", recipe="wanda-50,rtn-w8a16", benchmark="nano-ethics,bytes")
    assert [(row["recipe"], row["gates"]) for row in report["recipes"]] == [
        ("wanda-50", True),
        ("rtn-w8a16", True),
        ("wanda-50@reasoning", False),
    ]
    (gain,) = report["calibration_gains"]
    assert (gain["recipe"], gain["calibration"], gain["target"], gain["capability"]) == (
        "wanda-50@reasoning",
        "generic",
        "reasoning",
        "ethics",
    )
    values = {check["recipe"]: check["candidate"]["value"] for check in report["checks"] if check["benchmark"] == "nano-ethics"}
    assert gain["difference"] == pytest.approx(values["wanda-50@reasoning"] - values["wanda-50"])
    assert gain["interval"][0] <= gain["difference"] <= gain["interval"][1]
    texts = [row["calibration"] for row in report["recipes"] if row["calibration"]]
    assert [text["mixture"] for text in texts] == ["generic", "reasoning"]
    assert len({text["tokens"] for text in texts}) == 1
    assert all(15 * 64 < text["tokens_seen"] <= 16 * 64 for text in texts)
    answer = Report.model_validate({name: value for name, value in report.items() if name not in ("ret", "result")})
    assert "wanda-50@reasoning" in html.render(answer)
    assert "### Calibration text" in markdown.render(answer)


def test_without_a_target_no_gain_is_asked_for(gate):
    report = gate.report()
    assert report["calibration_gains"] == []
    assert not any(check["question"] == "calibration" for check in report["checks"])


def test_a_target_without_a_calibrated_recipe_is_refused(gate):
    result = gate("--unicomp-calibration-target=reasoning")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*is for pruned and quantized recipes with calibration text, and this run has none*"])


def test_a_file_that_gives_a_question_away_ends_the_run_before_anything_is_made(gate, pytester):
    from pytest_unicomp.api.protocols import Evaluation
    from pytest_unicomp.api.registry import benchmarks

    evaluation = Evaluation(limit=None, seed=0, bundle=None, device="cpu", dtype="auto")
    question = max((question.text for question in benchmarks()["nano-reasoning"].questions(evaluation)), key=len)
    file = pytester.path / "own.jsonl"
    lines = [{"text": f"a harmless line number {number} about nothing in particular"} for number in range(200)] + [{"text": question}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    gate.store = pytester.path / "store"
    words = (f"--unicomp-calibration={file}", "--unicomp-calibration-samples=400", "--unicomp-calibration-tokens=64")
    result = gate(*words, recipe="wanda-50", benchmark="nano-reasoning", run=pytester.runpytest_subprocess)
    assert result.ret == 4
    assert "gives away 1 questions of this run" in result.stdout.str() + result.stderr.str()
    assert not (gate.store / "artifacts").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--unicomp-calibration-target=reasning",), "*no calibration mixture named 'reasning'*Did you mean 'reasoning'*"),
        (("--unicomp-calibration-samples=0",), "*--unicomp-calibration-samples is '0'; expected a whole number of at least 1*"),
        (("--unicomp-calibration-form=chat",), "*--unicomp-calibration-form is 'chat'; expected one of equal, own*"),
    ],
)
def test_a_wrong_value_is_one_clear_line(gate, words, line):
    result = gate(*words, recipe="wanda-50")
    assert result.ret == 4
    result.stderr.fnmatch_lines([line])
