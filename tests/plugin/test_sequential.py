"""`--unicomp-sequential`: the same verdicts from fewer items, whole clusters in a fixed order."""

from __future__ import annotations

import pytest

ALL = "--unicomp-limit=400"


def retention_of(report, benchmark="nano-knowledge"):
    [check] = [check for check in report["checks"] if (check["question"], check["benchmark"]) == ("retention", benchmark)]
    return check


def test_a_clear_loss_is_told_from_a_part_of_the_items(gate):
    whole = retention_of(gate.report(ALL, recipe="wanda-2of4"))
    early = retention_of(gate.report(ALL, "--unicomp-sequential", recipe="wanda-2of4"))
    assert (early["verdict"], whole["verdict"]) == ("fail", "fail")
    assert early["n"] < whole["n"] == 400
    assert f"stopped after {early['n']} of 400 items" in early["reason"]
    # The part agrees with the whole within its own interval.
    assert early["interval"][0] <= whole["difference"] <= early["interval"][1]


def test_what_is_near_the_margin_takes_all_items_and_drift_looks_at_what_was_measured(gate, pytester):
    words = {"recipe": "rtn-w8a16", "drift": "on"}
    folder = f"--unicomp-baselines={pytester.path / 'own'}"
    gate(folder, ALL, "--unicomp-update=missing", **words)
    report = gate.report(folder, ALL, "--unicomp-sequential", "--unicomp-margin=0.005", **words)
    check = retention_of(report)
    assert check["n"] == 400
    assert "all 400 items were evaluated" in check["reason"]
    [drift] = [check for check in report["checks"] if check["question"] == "drift"]
    assert (drift["verdict"], drift["n"]) == ("pass", 400)


def test_what_is_clearly_kept_is_told_from_a_part_of_the_items(gate):
    check = retention_of(gate.report(ALL, "--unicomp-sequential", "--unicomp-margin=0.1", recipe="rtn-w8a16"))
    assert check["verdict"] == "pass"
    assert check["n"] < 400


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--unicomp-update=all"], "*--unicomp-sequential measures parts, and a baseline is a whole*"),
        (["--unicomp-executor=process"], "*--unicomp-sequential decides after every part what comes next*"),
    ],
)
def test_options_that_need_whole_measurements_are_refused(gate, words, line):
    result = gate("--unicomp-sequential", *words)
    assert result.ret == 4
    result.stderr.fnmatch_lines([line])
