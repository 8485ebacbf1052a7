import re

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report import markdown
from tests.report import toy_report


def test_the_comment_starts_with_the_verdict_and_its_reason(report: Report) -> None:
    lines = markdown.render(report).splitlines()
    assert lines[0] == "## ✗ unicomp: FAIL"
    assert lines[2] == f"Reason: {report.reason} (exit code 1: a gating check or recipe failed)"


def test_the_matrix_has_one_line_per_recipe_with_equally_many_cells(report: Report) -> None:
    rows = [line for line in markdown.render(report).splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(report.recipes)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {10}
    assert rows[2].startswith("| gptq-w4a16 | ✗ fail | ✓ 99.7% (−0.3 pts) [−0.9, +0.4] | ? 95.7% (−3.4 pts)")
    assert "| ✓ (−0.001 nats) [−0.011, +0.008] |" in rows[2]
    assert rows[3] == "| awq-w4a16 | ! error" + " | – not measured" * 7 + " |"


def test_informing_recipes_are_marked_and_their_misses_are_no_reasons(report: Report) -> None:
    text = markdown.render(report)
    assert "| *wanda-2of4* | ✗ fail |" in text
    assert "wanda" not in text[text.index("### Why") :]


def test_reasons_name_the_checks_that_did_not_pass_errors_first(report: Report) -> None:
    why = markdown.render(report).split("### Why")[1].strip().splitlines()
    assert why[0].startswith("- **gptq-w4a16** fail: ")
    assert why[2] == r"- ! awq-w4a16 on nano-knowledge (retention) error: no artifact: &lt;b\>RuntimeError&lt;/b\>"
    assert why[3].startswith("- ✗ gptq-w4a16 on nano-reasoning (retention) fail: ")
    assert why[-1].startswith("- ‡ rtn-w8a16 on nano-knowledge (drift) not comparable: ")


def with_evidence(report: Report) -> Report:
    """The report with a hash for every check and capability, as a run gives them."""
    numbers = iter(range(10**15, 2 * 10**15))
    checks = [check.model_copy(update={"evidence": str(next(numbers))}) for check in report.checks]
    recipes = [
        recipe.model_copy(
            update={"capabilities": [found.model_copy(update={"evidence": str(next(numbers))}) for found in recipe.capabilities]}
        )
        for recipe in report.recipes
    ]
    return report.model_copy(update={"checks": checks, "recipes": recipes})


def test_whatever_a_waiver_could_excuse_shows_the_hash_that_it_has_to_name(report: Report) -> None:
    answer = with_evidence(report)
    why = markdown.render(answer).split("### Why")[1]
    missed = [recipe for recipe in answer.recipes if recipe.gates and recipe.verdict != "pass"]
    lost = [(recipe, found) for recipe in missed for found in recipe.capabilities if found.verdict != "pass"]
    assert {found.verdict for _, found in lost} == {"fail", "inconclusive"}
    for recipe, found in lost:
        assert f"{recipe.recipe}, capability {found.capability.replace('_', ' ')} {found.verdict}. Evidence `{found.evidence}`." in why
    undecided = [check for check in answer.checks if check.gates and check.verdict == "inconclusive"]
    assert undecided
    assert all(f"Evidence `{check.evidence}`." in why for check in undecided)
    kept = [found for recipe in answer.recipes for found in recipe.capabilities if found.verdict == "pass"]
    assert not any(str(told.evidence) in why for told in (*kept, *(check for check in answer.checks if check.verdict == "pass")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", r"a\|b"),
        ("<script>", r"&lt;script\>"),
        ("&lt;", "&amp;lt;"),
        ("[x](javascript:1)", r"\[x\](javascript:1)"),
        ("a\n\n# b", "a # b"),
        ("`x` *y* _z_", r"\`x\` \*y\* \_z\_"),
        ("@someone #12", "@\u200bsomeone #\u200b12"),
        ("https://e.org www.e.org", "https:\u200b//e.org www\u200b.e.org"),
        ("\x1b[31m", r"⟨U+001B⟩\[31m"),
        ("$a$", r"\$a\$"),
        ("back\\slash", "back\\\\slash"),
    ],
)
def test_untrusted_text_is_inert(text: str, expected: str) -> None:
    assert markdown.escaped(text) == expected


def test_a_run_that_passes_gives_no_reasons() -> None:
    kept = toy_report.judge_recipe("rtn-w8a16", "quantization", True, {"knowledge": 0.0}, bits=8, seed=0)
    assert "### Why" not in markdown.render(toy_report.report([kept], verdict="pass", exit_code=0))


def test_a_full_run_fits_into_a_comment(big_report: Report) -> None:
    text = markdown.render(with_evidence(big_report))
    assert len(text) < 65_536
    assert "more checks that did not pass" in text
    assert "more capabilities, in the JSON" in text
