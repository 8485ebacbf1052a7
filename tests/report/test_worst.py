"""The worst finding comes first, and one sentence says what may ship."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report.verdict_block import verdict_lines
from pytest_unicomp.report.worst import findings, sentence
from tests.report import toy_report


def test_the_sentence_says_what_may_ship_and_what_may_not_with_its_worst_number(report: Report) -> None:
    text = sentence(report)
    assert text.startswith("Ship rtn-w8a16. Do not ship gptq-w4a16: reasoning fell from 80 to 72 of 100.")
    assert "awq-w4a16, because of an error: RuntimeError" in text
    assert "wanda-2of4" not in text, "it informs only"


def test_findings_are_ordered_by_loss_relative_to_the_margin_and_errors_stand_beside_failures(report: Report) -> None:
    found = findings(report)
    gating = [one for one in found if one.gates]
    assert found[: len(gating)] == gating
    assert [one.verdict for one in gating[:3]] == ["fail", "error", "not_comparable"]
    failures = [one.severity for one in gating if one.verdict == "fail"]
    assert failures == sorted(failures, reverse=True)
    assert sum("RuntimeError" in one.numbers for one in found) == 1, "one error that repeats on every benchmark is one finding"


def test_a_recipe_with_a_failure_and_an_error_is_not_hidden_behind_the_error(report: Report) -> None:
    failing = next(one for one in report.recipes if one.recipe == "gptq-w4a16")
    broken = failing.model_copy(update={"verdict": "error", "reason": "nano-safety: out of memory"})
    text = sentence(report.model_copy(update={"recipes": [broken]}))
    assert text.startswith("Do not ship gptq-w4a16: reasoning fell from 80 to 72 of 100.")


@pytest.mark.parametrize(("words", "ends"), [(3, "word word word."), (300, "word …")])
def test_a_reason_that_is_cut_ends_with_an_ellipsis_and_a_whole_one_with_a_full_stop(words: int, ends: str, report: Report) -> None:
    failing = next(one for one in report.recipes if one.recipe == "gptq-w4a16")
    broken = failing.model_copy(update={"verdict": "error", "reason": "word " * words, "capabilities": []})
    text = sentence(report.model_copy(update={"recipes": [broken], "checks": []}))
    assert text.endswith(ends)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_of_the_last_block_is_wider_than_the_terminal(width: int, report: Report) -> None:
    lines = verdict_lines(report, exit_code=1, width=width, closing=["report: gate.html"], paths=["gate.html"])
    assert max(map(len, lines)) <= width
    assert lines[0] == "unicomp: FAIL (exit code 1)"
    assert sum(line.startswith("- ") for line in lines) == 4, "three findings, and how many more there are"
    assert "report: gate.html" in lines
    assert any(line.startswith("next: read the flipped items in gate.html") for line in lines)


@pytest.mark.parametrize(
    ("verdict", "paths", "next_"),
    [
        ("pass", ["out/a.json"], "before you publish: `unicomp verify out/a.json`, and `unicomp report out/a.json -o card.md"),
        ("pass", [], "before you publish: the same command with --unicomp-report=gate.json, which"),
        ("fail", ["a.json", "a.html"], "read the flipped items in a.html; then"),
        ("fail", ["a.json"], "read the flipped items in the page that `unicomp report a.json -o gate.html` writes; then"),
        ("fail", [], "read the flipped items in the page that --unicomp-report=gate.html writes; then"),
    ],
)
def test_the_next_step_names_no_report_that_was_not_written(verdict: str, paths: list[str], next_: str, report: Report) -> None:
    ended = report.model_copy(update={"verdict": verdict, "partial": None})
    assert verdict_lines(ended, exit_code=0, width=400, paths=paths)[-1].startswith(f"next: {next_}")


def test_the_block_repeats_no_finding_that_the_sentence_says_word_for_word(report: Report) -> None:
    broken = next(one for one in report.recipes if one.recipe == "awq-w4a16")
    alone = report.model_copy(update={"recipes": [broken]})
    block = verdict_lines(alone, exit_code=7, width=400)
    assert sum("RuntimeError" in line for line in block) == 1
    lost = next(one for one in report.recipes if one.recipe == "gptq-w4a16")
    block = verdict_lines(report.model_copy(update={"recipes": [lost]}), exit_code=1, width=400)
    assert any(line.startswith("- gptq-w4a16: FAIL: reasoning: -") for line in block), "the numbers are not in the sentence"


def test_errors_of_one_cause_are_one_finding_and_of_two_causes_two(report: Report) -> None:
    broken = next(one for one in report.recipes if one.recipe == "awq-w4a16")
    own = list({check.capability: check for check in report.checks if check.question == "retention"}.values())[:2]
    checks = [check.model_copy(update={"recipe": "awq-w4a16", "verdict": "error", "reason": "unicomp: out of memory"}) for check in own]
    pooled = (
        report.recipes[0]
        .capabilities[0]
        .model_copy(update={"capability": own[0].capability, "verdict": "error", "reason": "...", "difference": None, "waived": False})
    )
    pooled_too = pooled.model_copy(update={"capability": own[1].capability})
    recipe = broken.model_copy(update={"capabilities": [pooled, pooled_too], "verdict": "error"})
    assert len(findings(report.model_copy(update={"recipes": [recipe], "checks": checks}))) == 1
    checks[1] = checks[1].model_copy(update={"reason": "unicomp: the disk is full"})
    assert len(findings(report.model_copy(update={"recipes": [recipe], "checks": checks}))) == 2


def test_a_run_in_which_nothing_gates_ships_nothing() -> None:
    assert sentence(toy_report.report([])) == "Nothing that gates was judged."


def test_timings_that_decide_nothing_have_one_line_with_the_reason(report: Report) -> None:
    why = "the host was not healthy: other processes kept 1.8 of the machine's 2 cores busy"
    checks = [
        check.model_copy(update={"verdict": "inconclusive", "reason": why}) if check.benchmark == "decode-latency" else check
        for check in report.checks
    ]
    timed = sum(check.benchmark == "decode-latency" for check in checks)
    lines = verdict_lines(report.model_copy(update={"checks": checks}), exit_code=1, width=200)
    assert f"{timed} timings are undecided, which fails nothing: {why}" in lines
    assert not any("undecided, which" in line for line in verdict_lines(report, exit_code=1, width=200))
