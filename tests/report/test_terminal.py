import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report.terminal import summary_lines
from pytest_unicomp.report.verdict_block import verdict_lines
from tests.report import toy_report


def test_the_table_tells_retention_difference_interval_and_verdict(report: Report) -> None:
    lines = summary_lines(report, 100)
    assert lines[0].split() == ["recipe", "capability", "retention", "difference", "interval", "verdict"]
    reasoning = next(line for line in lines[lines.index("") - 29 :] if line.split()[:1] == ["reasoning"] and "FAIL" in line)
    assert reasoning.split() == ["reasoning", "89.8%", "-8.1", "pts", "[-9.3,", "-7.0]", "FAIL"]
    assert next(line for line in lines if line.startswith("awq-w4a16")).split()[-1] == "ERROR"


def test_each_recipe_has_its_verdict_and_reason(report: Report) -> None:
    lines = summary_lines(report, 100)
    assert "gptq-w4a16: FAIL: multilingual, reasoning not kept" in lines
    assert "wanda-2of4 (informs only): FAIL: knowledge, reasoning not kept" in lines


@pytest.mark.parametrize("width", [30, 45, 60, 72, 80, 100, 240])
def test_no_line_is_wider_than_the_terminal_and_every_verdict_stays(width: int, report: Report) -> None:
    lines = summary_lines(report, width)
    assert max(map(len, lines)) <= min(width, 100)
    table = lines[: lines.index("")]
    assert sum(line.endswith("PASS") for line in table) == sum(
        one.verdict == "pass" for recipe in report.recipes for one in recipe.capabilities
    )


def test_a_narrow_terminal_keeps_retention_longer_than_difference(report: Report) -> None:
    assert "retention" in summary_lines(report, 60)[0]
    assert "difference" not in summary_lines(report, 60)[0]


def test_capabilities_of_two_words_are_folded_before_any_name_is_cut(report: Report) -> None:
    gating = report.recipes[0]
    wide = gating.model_copy(
        update={"capabilities": [one.model_copy(update={"verdict": "inconclusive"}) for one in gating.capabilities], "recipe": "gptq-w4a16"}
    )
    checks = [check.model_copy(update={"recipe": "gptq-w4a16"}) for check in report.checks if check.recipe == gating.recipe]
    lines = summary_lines(report.model_copy(update={"recipes": [wide], "checks": checks}), 80)
    table = lines[: lines.index("")]
    place = next(number for number, line in enumerate(table) if "instruction" in line)
    assert table[place].endswith("INCONCLUSIVE")
    assert table[place + 1] == " " * table[place].index("instruction") + "following"
    assert not any("~" in line for line in table)


@pytest.mark.parametrize("width", [30, 50, 80, 100])
def test_replies_that_changed_beyond_doubt_are_a_table_the_worst_first(width: int, report: Report) -> None:
    lines = summary_lines(report, width)
    place = next(number for number, line in enumerate(lines) if line.startswith("replies "))
    table = lines[place : lines.index("", place)]
    assert max(map(len, table)) <= width
    rows = [line.split() for line in table[1:] if not line.startswith("and ")]
    looping = [float(row[-1]) for row in rows]
    assert looping == sorted(looping, reverse=True)
    assert len(rows) == min(5, sum(check.replies.length_ratio > 1.12 for check in report.checks if check.replies))
    assert table[0].endswith("looping, %")
    assert ("interval" in table[0], "tokens" in table[0], "cut" in table[0]) == (width >= 80, width >= 80, width >= 50)
    worst = max((check for check in report.checks if check.replies), key=lambda check: check.replies.length_ratio)
    assert looping[0] == pytest.approx(100 * worst.replies.looping.candidate, abs=0.5)


def test_replies_that_did_not_change_are_not_told_on_a_terminal(report: Report) -> None:
    same = [one.model_copy(update={"replies": toy_report.changed_replies(0.0) if one.replies else None}) for one in report.checks]
    assert not any(line.startswith("replies ") for line in summary_lines(report.model_copy(update={"checks": same}), 80))


def test_nothing_can_steer_the_terminal() -> None:
    nasty = toy_report.report([], reason="red \x1b[31m\r\nover \u202e written \x9b2J")
    text = "\n".join(verdict_lines(nasty, exit_code=1, width=100, closing=[nasty.reason]))
    assert "⟨U+001B⟩[31m⟨U+000D⟩ over ⟨U+202E⟩ written ⟨U+009B⟩2J" in text
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_report_without_recipes_still_ends_with_the_verdict() -> None:
    nothing = toy_report.report([], verdict="error", exit_code=7, reason="nothing could be loaded")
    assert summary_lines(nothing, 80) == []
    assert verdict_lines(nothing, exit_code=7, width=80)[:2] == ["unicomp: ERROR (exit code 7)", "Nothing that gates was judged."]
