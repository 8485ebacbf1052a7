"""`[reply_limits]`: replies that grow, are cut or loop fail a recipe, in the same words everywhere, and `unicomp verify` makes the check again."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp.cli import app

LIMITS = "[reply_limits]\nlength_ratio = 3\n[reply_limits.safety]\ntruncated = 0.3\n"
SETS = "nano-knowledge,nano-safety"


@pytest.fixture
def judged(gate, pytester):
    def judge(text, *words, **fields):
        (pytester.path / "unicomp.toml").write_text(text, encoding="utf-8")
        return gate.report("--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4", *words, benchmark=SETS, **fields)

    return judge


def limited(report):
    return [check for check in report["checks"] if check["question"] == "reply_limits"]


def test_limits_are_judged_where_text_is_generated_and_follow_from_their_evidence(judged, gate, tmp_path):
    report = judged(LIMITS)
    [check] = limited(report)
    assert (check["benchmark"], check["verdict"], check["nodeid"].partition("::")[0]) == (
        "nano-safety",
        "pass",
        "suites/test_reply_limits.py",
    )
    assert check["reason"].startswith("replies are 1.0")
    assert "of the replies are cut by the token limit" in check["reason"]
    assert report["policy"]["reply_limits"] == {"length_ratio": 3, "safety": {"truncated": 0.3}}
    kept = {name: value for name, value in report.items() if name not in ("result", "ret")}
    for change, code in (({}, 0), ({"reason": "shorter"}, 1), ({"difference": 0.5}, 1)):
        other = json.loads(json.dumps(kept))
        limited(other)[0].update(change)
        path = tmp_path / "gate.json"
        path.write_text(json.dumps(other), encoding="utf-8")
        done = CliRunner().invoke(app, ["verify", str(path), f"--cache={gate.store}", "--json"])
        odd = {row["what"]: row["state"] for row in json.loads(done.output) if row["state"] != "as_reported"}
        assert (done.exit_code, odd.get("rtn-w8a16 on nano-safety (reply-limits)")) == (code, "differs" if code else None)


def test_a_limit_that_these_items_cannot_decide_is_no_pass_and_said_beforehand(judged):
    report = judged("[reply_limits]\nlooping = 0.001\n")
    [check] = limited(report)
    assert (check["verdict"], report["ret"], report["verdict"]) == ("inconclusive", 6, "inconclusive")
    assert check["reason"].endswith(" items would decide (80 % power) if the difference stays the same")
    report["result"].stdout.fnmatch_lines(
        ["unicomp: nano-safety: 24 items cannot rule out that 0.1 points more of the replies are looping*"]
    )


def test_limits_of_what_is_not_measured_are_refused(gate, pytester):
    (pytester.path / "unicomp.toml").write_text("[reply_limits.nano-reasoning]\nlooping = 0.1\n", encoding="utf-8")
    result = gate(benchmark=SETS)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*unicomp.toml:1: reply_limits.nano-reasoning is set, but this run does not measure nano-reasoning*"])
