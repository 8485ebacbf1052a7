"""`unicomp selftest` on a report and on stored evidence: rates that follow from the counts, and files that hold nothing to test."""

from __future__ import annotations

import json

import pytest
from scipy import stats as scipy_stats
from typer.testing import CliRunner

from pytest_unicomp import cli
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Report
from pytest_unicomp.cli.commands import selftest
from pytest_unicomp.compare import Policy, retention, stats
from pytest_unicomp.report import json as report_json
from pytest_unicomp.store.baselines import Baselines, packaged
from tests.toys import measurement

RUN = CliRunner()
GPTQ = packaged() / "nano" / "gptq-w4a16"


def reported(path, lost, gained, n, *, margin=0.03):
    before = [1.0] * (n - gained) + [0.0] * gained
    after = [0.0] * lost + [1.0] * (n - lost)
    sides = measurement(before), measurement(after, artifact="b" * 8)
    policy = Policy(benchmark_margin=margin)
    check = retention(*sides, recipe="toy", family="pruning", gates=True, policy=policy, identical=False)
    report = Report(
        created="2026-01-31T12:00:00+00:00",
        verdict="pass",
        exit_code=0,
        reason="",
        environment={},
        policy={},
        reference=None,
        recipes=[],
        checks=[check],
    )
    report_json.write(report, path)
    return path


def test_swaps_of_a_report_have_the_rate_that_a_fair_coin_gives(tmp_path):
    [row] = selftest.rows(reported(tmp_path / "gate.json", 30, 20, 500, margin=0.01), margin="0.03", alpha=0.05)
    flips = range(51)
    fails = stats.decide_counts(list(flips), [50 - lost for lost in flips], 500, margin=0.01, alpha=0.05).fails
    expected = sum(scipy_stats.binom.pmf(lost, 50, 0.5) for lost in flips if fails[lost])
    low, high = row["false_fail_unchanged"]["interval"]
    assert low - 0.003 < expected < high + 0.003
    assert (row["n"], row["discordance"], row["margin"]) == (500, 0.1, 0.01)
    assert "counts only" in row["note"]


def test_more_is_planted_and_more_is_found(tmp_path):
    [row] = selftest.rows(reported(tmp_path / "gate.json", 30, 20, 1000), margin="0.03", alpha=0.05)
    fails = [point["fail"]["rate"] for point in row["power"]]
    passes = [point["pass"]["rate"] for point in row["power"]]
    assert fails == sorted(fails)
    assert passes == sorted(passes, reverse=True)
    assert passes[0] > 0.95
    assert fails[-1] > 0.95
    assert row["false_pass_at_margin"]["rate"] == pytest.approx(0.05, abs=0.01)
    assert selftest.sound([row])


def test_stored_items_are_swapped_by_cluster():
    [row] = selftest.rows(GPTQ / "nano-multilingual.json", margin="0.03", alpha=0.05)
    assert "clusters, swapped together" in row["note"]
    known = [Baselines(packaged(), packaged()).read("nano", name, "nano-multilingual") for name in ("dense", "gptq-w4a16")]
    scores = [{item.id: item.score for item in side.items} for side in known]
    assert row["discordance"] == sum(scores[0][key] != scores[1][key] for key in scores[0]) / len(scores[0])
    assert row["false_pass_at_margin"]["rate"] < 0.06


def test_a_rate_that_is_shown_to_be_too_high_is_not_sound():
    rate = {"rate": 0.08, "interval": (0.07, 0.09)}
    row = {"alpha": 0.05, "false_fail_unchanged": None, "false_fail_at_margin": None, "false_pass_at_margin": rate}
    assert not selftest.sound([row])
    assert selftest.sound([{**row, "alpha": 0.08}])


def test_the_command_prints_rates_and_the_curve(tmp_path):
    path = reported(tmp_path / "gate.json", 3, 2, 400)
    found = RUN.invoke(cli.app, ["selftest", str(path)])
    assert found.exit_code == 0
    assert "PASS though the margin is lost" in found.stdout
    rows = json.loads(RUN.invoke(cli.app, ["selftest", str(path), "--json"]).stdout)
    assert rows[0]["recipe"] == "toy"


@pytest.mark.parametrize("content", ["{}", "not json", '{"schema": "unicomp-baseline/1"}'])
def test_files_without_evidence_are_refused(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageProblem, match=r"x\.json"):
        selftest.rows(path, margin="0.03", alpha=0.05)


def test_margins_and_levels_without_a_meaning_are_refused():
    for words in ({"margin": "5%", "alpha": 0.05}, {"margin": "0.03", "alpha": 0.7}):
        with pytest.raises(UsageProblem, match=r"--margin|--alpha"):
            selftest.rows(GPTQ, **words)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"n": 10**9}, "of 1000000000 items"),
        ({"n": 49}, "30 lost and 20 gained of 49 items"),
        ({"flips": {"lost": -1, "gained": 20, "changed": 0}}, "-1 lost"),
        ({"flips": {"lost": 10**9, "gained": 20, "changed": 0}}, "1000000000 lost"),
        ({"margin": -1.0}, "a margin of -1.0"),
        ({"margin": 1e308}, "a margin of 1e+308"),
        ({"confidence": 1.0}, "a confidence of 1.0"),
        ({"confidence": -5.0}, "a confidence of -5.0"),
        ({"reference": {"value": 1e308, "stderr": None}}, "a reference that scores 1e+308"),
        ({"reference": {"value": -0.5, "stderr": None}}, "a reference that scores -0.5"),
    ],
)
def test_numbers_that_no_run_writes_are_refused_before_they_cost_memory(tmp_path, fields, words):
    path = reported(tmp_path / "gate.json", 30, 20, 500)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["checks"][0].update(fields)
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UsageProblem, match="expected numbers of right-or-wrong items") as refused:
        selftest.rows(path, margin="0.03", alpha=0.05)
    assert words in str(refused.value)


def test_names_that_no_terminal_shows_are_only_names(tmp_path):
    path = reported(tmp_path / "gate.json", 30, 20, 500)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["checks"][0].update({"recipe": "\ud800\x1b[2J", "benchmark": "a\nb"})
    path.write_text(json.dumps(content), encoding="utf-8")
    [row] = selftest.rows(path, margin="0.03", alpha=0.05, replicates=100)
    assert row["n"] == 500
