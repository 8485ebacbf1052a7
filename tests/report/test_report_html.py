import base64
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_unicomp.api.records import Check, Report
from pytest_unicomp.api.vocabulary import SCORES
from pytest_unicomp.report import html, numbers, repeat, unchanged
from pytest_unicomp.report.visible import visible
from pytest_unicomp.report.words import SYMBOLS, VERDICTS
from tests.report import toy_report
from tests.report.page_reader import Cell, Page

LOADING = {"script", "link", "iframe", "object", "embed", "img", "base", "form", "video", "audio", "source"}


@pytest.fixture(scope="module")
def report() -> Report:
    return toy_report.full()


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(toy_report.full()))


def test_no_text_of_a_model_becomes_markup(page: Page) -> None:
    assert not LOADING & set(page.tags)
    assert page.tags.count("style") == 1
    assert page.tags.count("h1") == 1
    assert page.unbalanced == []


def test_no_attribute_can_run_or_load_anything(page: Page) -> None:
    assert [found for found in page.attributes if found[1].startswith("on") or found[1] in ("src", "style", "srcset", "action")] == []
    targets = [value for _, name, value in page.attributes if name in ("href", "xlink:href")]
    assert targets
    assert all(target.startswith("#") for target in targets)


def test_every_link_in_the_page_arrives_somewhere(page: Page) -> None:
    identifiers = [value for _, name, value in page.attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))
    wanted = {value[1:] for _, name, value in page.attributes if name == "href"}
    wanted |= {word for _, name, value in page.attributes if name == "aria-labelledby" for word in value.split()}
    wanted |= {value for _, name, value in page.attributes if name == "for"}
    assert wanted <= set(identifiers)


def test_the_policy_allows_nothing_but_the_pages_own_style_sheet() -> None:
    text = html.render(toy_report.full())
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert style
    assert policy
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    allowed = policy[1].replace("&#39;", "'")
    assert allowed == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_flipped_answers_are_shown_whole_with_their_white_space_and_visible_controls(page: Page, report: Report) -> None:
    # A browser drops the line feed that follows <pre>; the parser of this test does not.
    shown = {passage.removeprefix("\n") for passage in page.passages}
    for text in toy_report.NASTY:
        assert any(visible(text) in passage for passage in shown), text
    assert any(passage.startswith("\nB   because") for passage in shown)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page.text)


def test_the_page_is_the_same_for_the_same_data(report: Report) -> None:
    assert html.render(report) == html.render(Report.model_validate(report.model_dump()))


@pytest.mark.slow
def test_the_page_is_the_same_in_another_process() -> None:
    code = "import hashlib, toy_report; from pytest_unicomp.report import html; print(hashlib.sha256(html.render(toy_report.full()).encode()).hexdigest())"
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == [hashlib.sha256(html.render(toy_report.full()).encode()).hexdigest()]


def test_every_verdict_is_told_in_a_word_and_a_sign(page: Page) -> None:
    for verdict, word in VERDICTS.items():
        assert re.search(rf"{re.escape(SYMBOLS[verdict])}\s+{word}", page.text), verdict


def test_the_verdict_its_reason_and_the_exit_code_come_first(page: Page, report: Report) -> None:
    start = " ".join(page.text.split())
    before_the_rest = start[: start.index("Model and run")]
    assert "✗ FAIL" in before_the_rest
    assert report.reason in before_the_rest
    assert "Exit code 1: a gating check or recipe failed" in before_the_rest


def test_gating_recipes_stand_apart_from_informing_ones(page: Page) -> None:
    (rows,) = page.named("matrix")
    first = [row[0].text for row in rows]
    gates, informs = (next(i for i, text in enumerate(first) if text.startswith(word)) for word in ("Gates", "Informs"))
    assert [text.split()[0] for text in first[gates + 1 : informs]] == ["rtn-w8a16", "gptq-w4a16", "awq-w4a16"]
    assert [text.split()[0] for text in first[informs + 1 :]] == ["wanda-2of4", "minitron-<depth>|x"]


def test_the_numbers_of_the_matrix_are_those_of_the_report(page: Page, report: Report) -> None:
    (rows,) = page.named("matrix")
    by_name = {row[0].text.split()[0]: row for row in rows if len(row) == 9}
    columns = [cell.text for cell in rows[1]]
    for recipe in report.recipes:
        for capability in recipe.capabilities:
            cell = by_name[recipe.recipe][2 + columns.index(capability.capability.replace("_", " "))]
            expected = [capability.retention, capability.difference, *(capability.interval or ())]
            assert cell.numbers == [number for number in expected if number is not None]
            assert VERDICTS[capability.verdict] in cell.text


def expected_numbers(check: Check) -> list[float]:
    flips, divergence = check.flips, check.divergence
    told: list[float | None] = [check.n, check.reference.value, check.reference.stderr, check.candidate.value, check.candidate.stderr]
    told += [check.difference, *(check.interval or ()), check.margin, check.retention, check.chance_corrected_retention]
    told += [flips.lost, flips.gained, flips.changed, check.discordance] if flips else []
    told += [divergence.kl_mean, divergence.kl_stderr, divergence.top1_agreement] if divergence else []
    told += [check.minimum_detectable_effect, check.p_value]
    return [number for number in told if number is not None]


def test_the_numbers_of_every_check_are_those_of_the_report(page: Page, report: Report) -> None:
    tables = page.named("checks")
    ordered = sorted(report.recipes, key=lambda recipe: not recipe.gates)
    assert len(tables) == len(ordered)
    for recipe, rows in zip(ordered, tables, strict=True):
        checks = [check for check in report.checks if check.recipe == recipe.recipe]
        assert len(rows) == len(checks) + 1
        for check, row in zip(checks, rows[1:], strict=True):
            assert [number for cell in row for number in cell.numbers] == expected_numbers(check), check.benchmark
            assert check.reason in row[-1].text
            assert check.question in row[2].text


def numbers_of(rows: list[list[Cell]]) -> dict[str, list[float]]:
    """The numbers of each row of a table by the text of its first cell; the head and rows of one cell are left out."""
    return {" ".join(row[0].text.split()): [number for cell in row for number in cell.numbers] for row in rows[1:] if len(row) > 1}


def known(*values: float | int | None) -> list[float | int]:
    return [value for value in values if value is not None]


def test_the_scores_are_those_of_the_report_and_all_thirteen_are_named(page: Page, report: Report) -> None:
    (rows,) = page.named("scores")
    assert [cell.text.split()[-1] for cell in rows[0][1:]] == list(SCORES)
    expected = {
        recipe.recipe: [number for name in SCORES for number in known(recipe.scores.get(name), *recipe.score_intervals.get(name, ()))]
        for recipe in report.recipes
    }
    assert numbers_of(rows) == expected
    assert any(expected.values())


def test_the_numbers_of_the_plots_of_differences_are_those_of_the_report(page: Page, report: Report) -> None:
    shown = sorted([number for cell in row for number in cell.numbers] for rows in page.named("forest") for row in rows[1:])
    expected = []
    for recipe in report.recipes:
        asked = [check for check in report.checks if check.recipe == recipe.recipe and check.question == "retention"]
        expected += [known(pooled.difference, *(pooled.interval or ())) for pooled in recipe.capabilities]
        many = {name for pooled in recipe.capabilities if len(pooled.benchmarks) > 1 for name in pooled.benchmarks}
        expected += [known(check.difference, *(check.interval or ())) for check in asked if check.benchmark in many]
    assert shown == sorted(expected)


def test_the_timings_are_those_of_the_report_with_what_computed_them(page: Page, report: Report) -> None:
    (rows,) = page.named("timings")
    timed = [check for check in report.checks if check.benchmark == "decode-latency"]
    assert len(rows) == len(timed) + 1
    found = numbers_of(rows)
    for check in timed:
        low, high = check.interval or (0.0, 0.0)
        ratio, bounds = 1 - (check.difference or 0.0), (1 - high, 1 - low)
        assert found[check.recipe] == pytest.approx(
            known(check.n, check.reference.value, check.candidate.value, ratio, *bounds, 1 + (check.margin or 0.0))
        )
    assert all("torch int4 weight-only, group 128" in row[-1].text and "dense bfloat16" in row[-1].text for row in rows[1:])


def test_a_paired_ratio_is_the_one_that_was_judged_not_the_quotient_of_two_means() -> None:
    check = toy_report.latency("r", True, "pruning", "decode-latency", 0.8).model_copy(update={"difference": 0.31, "interval": (0.2, 0.4)})
    assert numbers.ratio(check) == pytest.approx(0.69)
    faster = check.model_copy(update={"higher_is_better": True, "margin": 0.1})
    assert numbers.ratio(faster) == pytest.approx(1.31)
    assert numbers.ratio_interval(faster) == pytest.approx((1.2, 1.4))
    assert numbers.largest_ratio(faster) == pytest.approx(0.9)


def test_sizes_and_ratios_are_those_of_the_report(page: Page, report: Report) -> None:
    (rows,) = page.named("efficiency")
    found = {name.split()[0]: values for name, values in numbers_of(rows).items()}
    for recipe in report.recipes:
        made = recipe.artifact
        if made is None:
            continue
        costs = [check for check in report.checks if check.recipe == recipe.recipe and check.question == "efficiency"]
        whole = report.reference.bytes if report.reference else 1
        told = [made.bytes, (made.bytes or 0) / whole, made.bits_per_weight, made.sparsity, made.compress_seconds, made.compress_peak_bytes]
        for check in sorted(costs, key=lambda check: check.benchmark):
            low, high = check.interval or (0.0, 0.0)
            told += [1 - (check.difference or 0.0), *([1 - high, 1 - low] if low != high else [])]
        assert found[recipe.recipe] == pytest.approx(known(*told))


def test_quality_and_costs_are_those_of_the_report(page: Page, report: Report) -> None:
    (rows,) = page.named("pareto")
    assert numbers_of(rows) == {
        point.recipe: known(point.quality, point.bytes, point.seconds, point.compress_seconds) for point in report.pareto
    }
    assert [row[1].text for row in rows[1:]] == ["yes" if point.front else "no" for point in report.pareto]


def test_calibration_gains_are_those_of_the_report(page: Page, report: Report) -> None:
    (rows,) = page.named("gains")
    shown = [[number for cell in row for number in cell.numbers] for row in rows[1:]]
    assert shown == [[gain.n, gain.difference, *gain.interval] for gain in report.calibration_gains]


def test_findings_have_their_answer_and_the_numbers_of_the_report(page: Page, report: Report) -> None:
    (rows,) = page.named("findings")
    told = [row for row in rows[1:] if len(row) > 1]
    assert [row[1].text for row in told] == [claim.answer for claim in report.findings]
    assert [[number for cell in row for number in cell.numbers] for row in told] == [
        known(claim.difference, *(claim.interval or ())) for claim in report.findings
    ]
    assert "holds 4×" in next(row[0].text for row in rows if row[0].text.startswith("knowledge is kept"))


def test_worst_parts_judges_and_floors_are_those_of_the_report(page: Page, report: Report) -> None:
    (rows,) = page.named("behaviour")
    behaving = [check for check in report.checks if check.worst_slice]
    assert len(rows) == len(behaving) + 1 > 1
    for check, row in zip(behaving, rows[1:], strict=True):
        worst, judged = check.worst_slice, check.judge_agreement
        assert worst
        assert judged
        expected = [worst.n, worst.reference, worst.candidate, *(check.unanswered or ()), check.floors["always refuse"]]
        assert [number for cell in row for number in cell.numbers] == [*expected, judged.accuracy, *judged.interval, judged.n]


def test_kernels_are_those_of_the_report_in_its_own_units(page: Page, report: Report) -> None:
    (rows,) = page.named("kernels")
    for layer, row in zip(report.kernels[0].layers, rows[1:], strict=True):
        times = [number for spread in (layer.dense_seconds, layer.seconds) for number in (spread.median, spread.low, spread.high)]
        rates = [layer.ratio, *layer.interval, layer.bandwidth, layer.rate, layer.share, layer.dense_share]
        assert [number for cell in row for number in cell.numbers] == [layer.layers, layer.rows, *times, *rates]
        assert row[3].text.startswith(f"{1e6 * layer.dense_seconds.median:.1f} ")


def test_waivers_say_who_accepted_what_and_what_the_verdict_is_without_them(page: Page, report: Report) -> None:
    (rows,) = page.named("waivers")
    assert [row[2].text for row in rows[1:]] == [waiver.owner for waiver in report.waivers]
    assert "EXPIRED" in rows[2][1].text
    assert "with 1 waiver; without it: FAIL" in page.text[: page.text.index("Model and run")]
    waived = [row for table in page.named("checks") for row in table if "waived" in row[1].text]
    assert len(waived) == sum(check.waived for check in report.checks) > 0
    assert all(f"evidence {'0f' * 8}" in row[-1].text for row in waived)


def test_the_machine_and_versions_of_older_measurements_are_told_apart(page: Page, report: Report) -> None:
    (rows,) = page.named("origins")
    assert [row[2].numbers for row in rows[1:]] == [[origin.measurements] for origin in report.origins]
    assert rows[1][-1].text == "as above"
    assert "torch 2.12.0" in rows[2][-1].text


def test_only_what_is_there_is_listed_among_the_sections() -> None:
    with_all, without = (html.render(made) for made in (toy_report.full(), toy_report.small()))
    for name in ("waivers", "kernels"):
        assert f'href="#{name}"' in with_all
        assert f'href="#{name}"' not in without


def test_a_warning_about_hidden_danger_stands_beside_the_reason(page: Page) -> None:
    assert page.text.count("Hidden danger: safety falls by 9.1 points unseen") == 3


def test_rounded_texts_say_what_the_exact_values_do(page: Page, report: Report) -> None:
    check = next(check for check in report.checks if check.recipe == "gptq-w4a16" and check.benchmark == "nano-reasoning")
    rows = [row for table in page.named("checks") for row in table if row[0].text.startswith("nano-reasoning ")]
    row = rows[1]
    assert row[4].text.split()[0] == f"{100 * (check.reference.value or 0):.1f}%"
    assert row[6].text == f"−{-100 * (check.difference or 0):.1f} pts"
    assert row[8].text == "5.0 pts"


def test_nats_are_shown_as_nats_with_their_perplexity(page: Page) -> None:
    row = next(row for table in page.named("checks") for row in table if row[0].text.startswith("nano-language-modeling"))
    assert "2.314 nats" in row[4].text
    assert "perplexity 10.11" in row[4].text
    assert row[6].text.endswith("nats")
    assert "%" not in row[4].text


def test_ratios_of_cost_have_intervals_and_a_recipe_without_artifact_says_why(page: Page) -> None:
    (rows,) = page.named("efficiency")
    named = {row[0].text.split()[0]: row for row in rows}
    latency = named["rtn-w8a16"][-1]
    assert latency.numbers == pytest.approx([0.97, 0.94, 1.0])
    assert "RuntimeError" in named["awq-w4a16"][1].text


def test_unknown_numbers_are_dashes_that_name_their_reason(page: Page) -> None:
    reasons = {value for tag, name, value in page.attributes if (tag, name) == ("i", "title")}
    assert {"no interval", "no chance level", "no answer options with probabilities"} <= reasons


def test_tables_have_captions_and_headers_with_scope() -> None:
    page = Page(html.render(toy_report.full()))
    assert page.tags.count("caption") == page.tags.count("table") > 0
    assert page.tags.count("th") == sum((tag, name) == ("th", "scope") for tag, name, _ in page.attributes)
    assert page.tags.count("html") == sum((tag, name) == ("html", "lang") for tag, name, _ in page.attributes)


def test_scrolling_parts_can_be_reached_by_keyboard() -> None:
    text = html.render(toy_report.full())
    assert re.findall(r'<div class="scroll"[^>]*>', text) == re.findall(
        r'<div class="scroll" tabindex="0" role="region" aria-label="[^"]+">', text
    )


def test_the_command_that_repeats_a_failed_check_asks_its_test_of_the_packaged_suites_wherever_they_are(page: Page) -> None:
    command = next(passage for passage in page.passages if "--unicomp-benchmark=nano-reasoning" in passage and "gptq-w4a16" in passage)
    assert command.strip().startswith("pytest -k test_capability_is_kept --unicomp-model=nano")
    assert "--unicomp-model=nano --unicomp-recipe=gptq-w4a16 --unicomp-benchmark=nano-reasoning" in command
    assert "--unicomp-limit=all" in command
    assert "--unicomp-drift=on" not in command
    assert any("--unicomp-drift=on" in passage for passage in page.passages)


def test_a_check_of_a_suite_of_ones_own_is_repeated_by_its_nodeid() -> None:
    recipe, checks = toy_report.judge_recipe("w4a16", "quantization", True, {"reasoning": 0.2}, bits=4, seed=0)
    report = toy_report.report([(recipe, checks)])
    own = checks[0].model_copy(update={"nodeid": "mine/test_it.py::test_kept[w4a16-x]"})
    assert repeat.command(report, own)[:2] == ("pytest", "'mine/test_it.py::test_kept[w4a16-x]'")


def test_a_limit_that_is_none_reads_as_all(page: Page) -> None:
    assert re.search(r"limit\s*all", page.text)


def test_informing_recipes_and_candidates_are_repeated_by_their_own_options() -> None:
    recipe, checks = toy_report.judge_recipe("w4a16", "candidate", True, {"reasoning": 0.2}, bits=4, seed=0)
    report = toy_report.report([(recipe.model_copy(update={"settings": {"source": "out/my model"}}), checks)])
    assert "'--unicomp-candidate=out/my model'" in repeat.command(report, checks[0])
    informing = checks[0].model_copy(update={"family": "pruning", "gates": False})
    assert "--unicomp-inform=w4a16" in repeat.command(report, informing)


def test_an_empty_report_is_a_page_too() -> None:
    page = Page(html.render(toy_report.report([], verdict="error", exit_code=7, reference=None)))
    assert "No recipe was measured" in page.text
    assert "the reference could not be loaded" in page.text
    assert page.unbalanced == []


@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive", "error"])
def test_the_runs_verdict_is_the_headline(verdict: str) -> None:
    page = Page(html.render(toy_report.report([], verdict=verdict)))
    assert f"{SYMBOLS[verdict]} {verdict.upper()}" in " ".join(page.text.split())


def with_drift(report: Report) -> Report:
    """The report with a drift check that found the stored evidence again beside every retention check."""
    found = {
        "question": "drift",
        "difference": 0.0,
        "interval": (0.0, 0.0),
        "verdict": "pass",
        "reason": "identical evidence",
        "examples": [],
    }
    asked = [check for check in report.checks if check.question == "retention"]
    return report.model_copy(update={"checks": [*report.checks, *(check.model_copy(update=found) for check in asked)]})


def test_evidence_that_was_found_again_takes_one_line_and_no_plot(report: Report) -> None:
    before, after = Page(html.render(report)), Page(html.render(with_drift(report)))
    assert len(after.named("forest")) == len(before.named("forest"))
    for rows, longer in zip(before.named("checks"), after.named("checks"), strict=True):
        assert [cell.text for cell in longer[-1][1:3]] == ["✓ pass", "drift"]
        assert "The same as the stored baseline, item by item: nano-" in longer[-1][-1].text
        assert len(longer) == len(rows) + 1


@pytest.mark.parametrize(
    "changes", [{"difference": 0.001}, {"interval": (-0.01, 0.01)}, {"verdict": "inconclusive"}, {"changes": ["torch 2.12.0 -> 2.13.0"]}]
)
def test_a_drift_check_that_differs_in_anything_keeps_its_own_line(changes: dict[str, object]) -> None:
    identical = with_drift(toy_report.full()).checks[-1]
    assert unchanged.is_unchanged(identical)
    assert not unchanged.is_unchanged(identical.model_copy(update=changes))


def test_a_comparison_of_many_recipes_stays_below_four_megabytes(big_report: Report, tmp_path: Path) -> None:
    path = tmp_path / "gate.html"
    html.write(with_drift(big_report), path)
    assert len(big_report.checks) >= 19 * 60
    assert path.stat().st_size < 4_000_000


def test_a_full_run_of_nano_stays_below_one_and_a_half_megabytes() -> None:
    report = with_drift(toy_report.big(recipes=19, benchmarks=11))
    costs = [check for check in report.checks if check.question == "efficiency"]
    names = (
        "prefill-latency",
        "first-token-latency",
        "token-latency",
        "generation-latency",
        "throughput",
        "peak-memory",
        "flops",
        "kv-cache-bytes",
    )
    more = [check.model_copy(update={"benchmark": name}) for check in costs if check.benchmark != "bytes" for name in names]
    text = html.render(report.model_copy(update={"checks": [*report.checks, *more]}))
    assert len({check.benchmark for check in report.checks if check.question == "retention"}) == 11
    assert len(text.encode()) < 1_500_000


def test_signs_are_true_minus_signs_and_zero_has_none() -> None:
    assert numbers.change(-0.0123, "rate") == "−1.2 pts"
    assert numbers.change(0.0123, "rate") == "+1.2 pts"
    assert numbers.change(-0.0001, "rate") == "0.0 pts"
