"""The page: every number of the report, and what a reader finds first."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_unicomp.api.records import Check, Report
from pytest_unicomp.api.vocabulary import SCORES
from pytest_unicomp.report import html
from pytest_unicomp.report.matrix import matrix
from pytest_unicomp.report.words import SYMBOLS, VERDICTS
from tests.report import toy_report
from tests.report.page_reader import Cell, Page


@pytest.fixture(scope="module")
def report() -> Report:
    return toy_report.full()


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(toy_report.full()))


def expected_numbers(check: Check) -> list[float]:
    flips, divergence = check.flips, check.divergence
    told: list[float | None] = [check.n, check.reference.value, check.reference.stderr, check.candidate.value, check.candidate.stderr]
    told += [check.difference, *(check.interval or ()), check.margin, check.retention, check.chance_corrected_retention]
    told += [flips.lost, flips.gained, flips.changed, check.discordance] if flips else []
    told += [divergence.kl_mean, divergence.kl_stderr, divergence.top1_agreement] if divergence else []
    told += [check.minimum_detectable_effect, check.p_value]
    return [number for number in told if number is not None]


def numbers_of(rows: list[list[Cell]]) -> dict[str, list[float]]:
    """The numbers of each row of a table by the text of its first cell; the head and rows of one cell are left out."""
    return {" ".join(row[0].text.split()): [number for cell in row for number in cell.numbers] for row in rows[1:] if len(row) > 1}


def known(*values: float | int | None) -> list[float | int]:
    return [value for value in values if value is not None]


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


def test_every_link_in_the_page_arrives_somewhere(page: Page) -> None:
    identifiers = [value for _, name, value in page.attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))
    wanted = {value[1:] for _, name, value in page.attributes if name == "href"}
    wanted |= {word for _, name, value in page.attributes if name == "aria-labelledby" for word in value.split()}
    wanted |= {value for _, name, value in page.attributes if name == "for"}
    assert wanted <= set(identifiers)


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
    assert [text.split()[0] for text in first[gates + 1 : informs]] == ["gptq-w4a16", "awq-w4a16", "rtn-w8a16"]
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


def test_the_numbers_of_every_check_are_those_of_the_report(page: Page, report: Report) -> None:
    tables = page.named("checks")
    ordered = [row.recipe for row in matrix(report).rows]
    assert len(tables) == len(ordered)
    for recipe, rows in zip(ordered, tables, strict=True):
        checks = [check for check in report.checks if check.recipe == recipe.recipe]
        assert len(rows) == len(checks) + 1
        for check, row in zip(checks, rows[1:], strict=True):
            assert [number for cell in row for number in cell.numbers] == expected_numbers(check), check.benchmark
            assert check.reason in row[3].text
            assert check.question in row[2].text


def test_the_scores_are_those_of_the_report_and_all_thirteen_are_named(page: Page, report: Report) -> None:
    (rows,) = page.named("scores")
    assert [cell.text.split()[-1] for cell in rows[0][1:]] == list(SCORES)
    expected = {
        recipe.recipe: [number for name in SCORES for number in known(recipe.scores.get(name), *recipe.score_intervals.get(name, ()))]
        for recipe in report.recipes
    }
    assert numbers_of(rows) == expected
    assert any(expected.values())


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


def test_a_timing_that_decides_nothing_says_why_beside_its_number(report: Report) -> None:
    why = "the host was not healthy: other processes kept 1.5 cores busy"
    checks = [
        check.model_copy(update={"verdict": "inconclusive", "reason": why}) if check.benchmark == "decode-latency" else check
        for check in report.checks
    ]
    (rows,) = Page(html.render(report.model_copy(update={"checks": checks}))).named("timings")
    assert all(f"Inconclusive: {why}" in row[-1].text for row in rows[1:])


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


def test_rankings_name_who_is_better_and_who_cannot_be_told_apart(page: Page, report: Report) -> None:
    (ranking,) = report.rankings
    (rows,) = page.named("ranking")
    ranks = [cell[0].text for cell in rows[1:]]
    assert ranks == [f"{low}–{high}" if low < high else str(low) for low, high in (row.ranks for row in ranking.recipes)]
    best = ranking.recipes[0].recipe
    worse = [pair.second for pair in ranking.pairs if pair.better == best]
    assert rows[1][3].text.split(", ") == worse
    (pairs,) = page.named("pairs")
    shown = [[number for cell in row for number in cell.numbers] for row in pairs[1:]]
    assert shown == [[pair.difference, *pair.interval] for pair in ranking.pairs]


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
    assert page.text.count("not while a <stream> is captured") == 1, "one reason for many layers is said once"


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


def test_ratios_of_cost_have_intervals_and_a_recipe_without_artifact_says_why(page: Page) -> None:
    (rows,) = page.named("efficiency")
    named = {row[0].text.split()[0]: row for row in rows}
    latency = named["rtn-w8a16"][-1]
    assert latency.numbers == pytest.approx([0.97, 0.94, 1.0])
    assert "RuntimeError" in named["awq-w4a16"][1].text


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


def test_a_limit_that_is_none_reads_as_all(page: Page) -> None:
    assert re.search(r"limit\s*all", page.text)


def test_an_empty_report_is_a_page_too() -> None:
    page = Page(html.render(toy_report.report([], verdict="error", exit_code=7, reference=None)))
    assert "No recipe was measured" in page.text
    assert "the reference could not be loaded" in page.text
    assert page.unbalanced == []


@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive", "error"])
def test_the_runs_verdict_is_the_headline(verdict: str) -> None:
    page = Page(html.render(toy_report.report([], verdict=verdict)))
    assert f"{SYMBOLS[verdict]} {verdict.upper()}" in " ".join(page.text.split())


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


def test_replies_stand_with_all_their_numbers_the_worst_first(page: Page, report: Report) -> None:
    told = [check for check in report.checks if check.replies]
    [table] = page.named("replies")
    assert len(table) == 1 + min(len(told), html.WORST)
    ratios = [row[4].numbers[0] for row in table[1:]]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] == max(check.replies.length_ratio for check in told)
    check = next(one for one in told if (one.recipe, one.benchmark) == (table[1][0].text, table[1][1].text))
    change = check.replies
    shares = [(one.reference, one.candidate, *one.interval) for one in (change.truncated, change.looping, change.unfinished)]
    assert [number for cell in table[1] for number in cell.numbers] == [
        change.n, *change.tokens, change.length_ratio, *change.length_ratio_interval, *(number for share in shares for number in share)
    ]  # fmt: skip
    assert "not recorded" in table[1][8].text


def test_a_report_without_replies_has_no_section_of_them(report: Report) -> None:
    without = [one.model_copy(update={"replies": None}) for one in report.checks]
    assert 'id="replies"' not in html.render(report.model_copy(update={"checks": without}))


def test_the_distributions_stand_with_all_their_numbers(page: Page, report: Report) -> None:
    [check] = [
        one
        for one in report.checks
        if one.divergence_table
        and (one.recipe, one.benchmark) == next((c.recipe, c.benchmark) for c in report.checks if c.divergence_table)
    ]
    divergence, certain, parted = (
        next(row for row in table[1:] if row[0].text == check.recipe and row[1].text == check.benchmark)
        for table in page.named("distributions")
    )
    kept = check.divergence_table
    told, replies = check.uncertainty, check.divergent_replies
    assert kept is not None
    assert told is not None
    assert replies is not None
    shown = [number for cell in divergence for number in cell.numbers]
    assert shown == [
        kept.n, kept.kl_mean, *(kept.kl_percentiles[name] for name in ("50", "90", "99", "99.9")), kept.kl_reverse_mean,
        kept.shift_mean, kept.shift_rms, kept.shift_percentiles["1"], kept.shift_percentiles["99"], kept.same_top,
    ]  # fmt: skip
    changes = [
        number
        for one in (told.brier, told.calibration_error, told.set_size)
        for number in (one.reference, one.candidate, one.difference, *(one.interval or ()))
    ]
    assert [number for cell in certain for number in cell.numbers] == [told.n, *changes]
    assert [number for cell in parted for number in cell.numbers] == [
        replies.n,
        replies.same,
        replies.same_stderr,
        replies.first_difference_median,
        replies.kept_mean,
    ]


def test_an_older_report_has_no_section_of_distributions(report: Report) -> None:
    without = [one.model_copy(update={"divergence_table": None, "divergent_replies": None, "uncertainty": None}) for one in report.checks]
    assert "Distributions and certainty" not in html.render(report.model_copy(update={"checks": without}))
