"""`[[waivers]]`: a failing check that someone answers for does not fail the run, is counted, and is said everywhere."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

# The longest that a waiver may last is a year.
SOON = (datetime.now(UTC).date() + timedelta(days=300)).isoformat()
WIDE = ("--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4")
WAIVER = """
[[waivers]]
recipe = "{recipe}"
{what}
owner = "Ada Lovelace"
reason = "users of this build ask no questions"
expires = {expires}
evidence = "{evidence}"
"""


def waive(pytester, evidence, what='benchmark = "nano-knowledge"', expires=SOON, recipe="ruined"):
    text = WAIVER.format(recipe=recipe, what=what, expires=expires, evidence=evidence)
    (pytester.path / "unicomp.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def judged(gate, ruined):
    """Judges a checkpoint that has lost everything."""
    return lambda *words: gate.report(f"--unicomp-candidate={ruined}", *words, recipe=None)


def evidence_of(report):
    (check,) = [check for check in report["checks"] if check["question"] == "retention"]
    assert check["verdict"] == "fail"
    return check["evidence"]


def test_a_waived_failure_passes_and_everybody_is_told(judged, pytester):
    before = judged("-v")
    assert before["ret"] == 1
    evidence = evidence_of(before)
    before["result"].stdout.fnmatch_lines([f"FAIL: *; evidence {evidence}", f"ruined on nano-knowledge (retention): evidence {evidence}"])
    waive(pytester, evidence)
    after = judged("--unicomp-report=page.md", "--unicomp-report=page.html", "--junit-xml=junit.xml")
    assert (after["ret"], after["exit_code"], after["verdict"], after["without_waivers"]) == (0, 0, "pass", "fail")
    (recipe,) = after["recipes"]
    assert (recipe["verdict"], recipe["without_waivers"], recipe["capabilities"][0]["waived"]) == ("pass", "fail", True)
    (waiver,) = after["waivers"]
    assert (waiver["state"], waiver["owner"], waiver["expires"]) == ("applied", "Ada Lovelace", SOON)
    result = after["result"]
    assert result.parseoutcomes()["waived"] == 2
    assert "failed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines(
        [
            f"waiver: ruined on nano-knowledge (retention): applied: accepted by Ada Lovelace until {SOON}*",
            "unicomp: PASS with 1 waiver; without it: FAIL (exit code 0)",
        ]
    )
    for name in ("page.md", "page.html"):
        text = (pytester.path / name).read_text(encoding="utf-8")
        assert "PASS with 1 waiver; without it: FAIL" in text
        assert "users of this build ask no questions" in text
    cases = {case.get("name"): case for case in ElementTree.parse(pytester.path / "junit.xml").iter("testcase")}
    case = cases["test_retention[ruined-nano-knowledge]"]
    assert case.find("skipped").get("message").startswith("WAIVED: FAIL")
    assert {entry.get("name"): entry.get("value") for entry in case.iter("property")}["unicomp_waived"] == "true"


def test_an_expired_waiver_fails_and_is_named(judged, pytester):
    waive(pytester, evidence_of(judged()), expires="2020-01-01")
    report = judged()
    assert (report["ret"], report["verdict"], report["waivers"][0]["state"]) == (1, "fail", "expired")
    report["result"].stdout.fnmatch_lines(["waiver: *: EXPIRED: expired on 2020-01-01*", "unicomp: FAIL (exit code 1)"])


def test_a_waiver_of_other_evidence_is_not_applied_and_says_both(judged, pytester):
    waive(pytester, "0" * 16)
    report = judged()
    assert (report["ret"], report["waivers"][0]["state"]) == (1, "other_evidence")
    assert f"evidence {'0' * 16}, and this run found {evidence_of(report)}" in report["waivers"][0]["note"]


def test_a_capability_can_be_waived_as_a_whole(judged, pytester):
    report = judged()
    waive(pytester, report["recipes"][0]["capabilities"][0]["evidence"], what='capability = "knowledge"')
    assert judged()["ret"] == 0


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (
            'benchmark = "nano-knowlege"',
            "*unicomp.toml:4: waivers.0.benchmark: 'nano-knowlege' is not a benchmark, or artifact. Did you mean 'nano-knowledge'*",
        ),
        ('capability = "logic"', "*unicomp.toml:4: waivers.0.capability: 'logic' is not a capability*"),
        ("", "*unicomp.toml:2: waivers.0: expected either a benchmark or a capability, found neither*"),
    ],
)
def test_a_waiver_of_what_does_not_exist_is_refused_before_anything_runs(gate, pytester, what, words):
    waive(pytester, "0" * 16, what=what)
    result = gate()
    assert result.ret == 4
    result.stderr.fnmatch_lines([words])


def test_a_waiver_of_a_recipe_that_there_is_not_is_refused_before_anything_runs(gate, pytester):
    waive(pytester, "0" * 16, recipe="rtn-w8a61")
    result = gate()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*unicomp.toml:3: waivers.0.recipe: 'rtn-w8a61' is not a recipe*Did you mean 'rtn-w8a16'*"])


def test_must_pass_items_of_a_benchmark_that_the_run_leaves_out_are_refused(gate, pytester):
    (pytester.path / "unicomp.toml").write_text('[must_pass]\nnano-safety = ["*"]\n', encoding="utf-8")
    result = gate()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*unicomp.toml:2: must_pass.nano-safety is set, but this run does not measure nano-safety*"])


def test_a_must_pass_item_that_is_wrong_fails_a_recipe_that_keeps_the_mean(gate, pytester):
    """Every item of the set must be right, which the mean does not ask for."""
    (pytester.path / "unicomp.toml").write_text('[must_pass]\nnano-knowledge = ["*"]\n', encoding="utf-8")
    report = gate.report(*WIDE)
    assert (report["ret"], report["verdict"]) == (1, "fail")
    assert report["recipes"][0]["capabilities"][0]["verdict"] == "pass"
    assert "nano-knowledge must-pass: " in report["reason"]
    (pytester.path / "unicomp.toml").write_text('[must_pass]\nnano-knowlege = ["*"]\n', encoding="utf-8")
    result = gate()
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*unicomp.toml:2: must_pass.nano-knowlege: 'nano-knowlege' is not a benchmark whose items are right or wrong.*"]
    )
