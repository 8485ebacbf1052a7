"""`unicomp plan` on the power of a gate: against simulation by the real rules, and where nothing is known."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from pytest_unicomp import cli, compare
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.commands.plan_power import shown
from pytest_unicomp.compare import simulated_gate, stats
from pytest_unicomp.compare.expected import Expected
from pytest_unicomp.store.baselines import Baselines, BaselinesReadOnce, packaged
from tests.docs.test_readme_example import POLICY, limited

RUN = CliRunner()


def planned(tmp_path, *words):
    found = RUN.invoke(cli.app, ["plan", "nano", f"--cache={tmp_path}", "--json", *words])
    assert found.exception is None, found.exception
    return json.loads(found.stdout)


def test_a_plan_tells_what_it_sees_and_keeps_the_cells(tmp_path):
    rows = planned(tmp_path, "--recipe=gptq-w4a16", "--benchmark=nano-reasoning,bytes")
    reasoning = next(row for row in rows if row["benchmark"] == "nano-reasoning")
    size = next(row for row in rows if row["benchmark"] == "bytes")
    assert {"recipe", "gates", "benchmark", "dimension", "capability"} <= reasoning.keys()
    assert reasoning["items"] == 1000
    assert reasoning["discordance_source"] == "measured on 1000 items"
    assert 0 < reasoning["discordance"] < 0.1
    assert reasoning["seconds"] > 0
    assert reasoning["recipe_passes_unchanged"] > 0.9
    assert (size["items"], size["seconds"], size["discordance"]) == (None, None, None)
    assert size["discordance_source"]


def test_more_flips_or_a_tighter_margin_lower_the_power(tmp_path):
    words = ("--recipe=gptq-w4a16", "--benchmark=nano-reasoning")
    few, many, tight = (
        planned(tmp_path, *words, *more)[0]
        for more in (("--discordance=0.02",), ("--discordance=0.3",), ("--discordance=0.02", "--margin=0.005"))
    )
    assert few["discordance_source"] == "given"
    assert few["recipe_passes_unchanged"] > many["recipe_passes_unchanged"] + 0.2
    assert few["recipe_passes_unchanged"] > tight["recipe_passes_unchanged"] + 0.2
    assert few["minimum_detectable_effect"] < many["minimum_detectable_effect"]
    assert few["margin_items"] < tight["margin_items"]


def test_a_larger_drop_is_caught_more_often(tmp_path):
    words = ("--recipe=gptq-w4a16", "--benchmark=nano-reasoning", "--discordance=0.1")
    caught = [planned(tmp_path, *words, f"--drop={drop}")[0]["recipe_fails_dropped"] for drop in (0.03, 0.05, 0.1)]
    assert caught[0] < 0.07
    assert caught[0] < caught[1] < caught[2]
    assert caught[2] > 0.95


@pytest.mark.parametrize("margin", ["5%", "1.2x errors"])
def test_margins_that_depend_on_the_reference_are_foreseen_from_its_evidence(tmp_path, margin):
    row = planned(tmp_path, "--recipe=gptq-w4a16", "--benchmark=nano-reasoning", f"--benchmark-margin={margin}")[0]
    level = Baselines(packaged(), packaged()).read("nano", "dense", "nano-reasoning").value
    assert row["margin"] == pytest.approx({"5%": 0.05 * level, "1.2x errors": 0.2 * (1 - level)}[margin])


def test_what_was_never_measured_is_said(tmp_path):
    config = tmp_path / "unicomp.toml"
    config.write_text('[recipes.mine]\nmethod = "magnitude"\nsparsity = 0.25\n', encoding="utf-8")
    row = planned(tmp_path / "store", f"--config={config}", "--recipe=mine", "--benchmark=nano-reasoning")[0]
    assert row["recipe"] == "mine"
    assert row["discordance"] == 0.05
    assert row["discordance_source"].startswith("assumed")


@pytest.mark.parametrize("recipe", ["rtn-w8a16", "gptq-w4a16"])
def test_a_plan_of_a_small_run_says_of_each_benchmark_what_the_evidence_then_says(tmp_path, recipe):
    stored = Baselines(packaged(), packaged())
    for row in planned(tmp_path, f"--recipe={recipe}", "--profile=smoke", "--benchmark=nano-knowledge,nano-reasoning,nano-safety"):
        sides = [limited(stored.read("nano", name, row["benchmark"])) for name in ("dense", recipe)]
        identity = {"recipe": recipe, "family": "quantization", "gates": True}
        check = compare.retention(*sides, **identity, policy=POLICY, identical=False)
        assert check.verdict == "pass"
        assert row["passes_unchanged"] > 0.7, row["benchmark"]


def test_shares_without_a_meaning_are_refused(tmp_path):
    found = RUN.invoke(cli.app, ["plan", "nano", "--discordance", "2"])
    assert isinstance(found.exception, UsageProblem)
    assert "--discordance" in str(found.exception)


def test_a_damaged_baseline_is_named_in_one_line_and_the_plan_goes_on_without_it(tmp_path):
    own = tmp_path / "baselines" / "nano"
    for recipe in ("dense", "rtn-w8a16"):
        shutil.copytree(packaged() / "nano" / recipe, own / recipe)
    words = ("plan", "nano", "--recipe=rtn-w8a16", "--benchmark=nano-knowledge,nano-reasoning", f"--cache={tmp_path / 'store'}")
    whole = RUN.invoke(cli.app, [*words, f"--baselines={own.parent}"]).output
    (own / "rtn-w8a16" / "nano-knowledge.json").write_text("{}", encoding="utf-8")
    damaged = RUN.invoke(cli.app, [*words, f"--baselines={own.parent}"]).output
    assert "does without" not in whole
    assert " ".join(damaged.split()).count("the forecast does without a stored baseline: ") == 1
    assert "nano-knowledge.json is not a baseline" in "".join(damaged.split("\n")).replace("  ", " ")


def test_each_stored_baseline_is_read_once_however_many_cells_ask_for_it(tmp_path, monkeypatch):
    asked = []
    read = Baselines.read
    monkeypatch.setattr(Baselines, "read", lambda self, *place: asked.append(place) or read(self, *place))
    once = BaselinesReadOnce.of(Baselines(packaged(), packaged()))
    assert once.read("nano", "dense", "nano-safety") is once.read("nano", "dense", "nano-safety")
    assert once.read("nano", "nobody", "nano-safety") is once.read("nano", "nobody", "nano-safety") is None
    assert asked == [("nano", "dense", "nano-safety"), ("nano", "nobody", "nano-safety")]


def test_the_work_of_a_plan_grows_with_the_benchmarks_and_not_with_their_square(monkeypatch):
    drawn = []
    decide = stats.decide_counts
    monkeypatch.setattr(stats, "decide_counts", lambda *words, **names: drawn.append(1) or decide(*words, **names))
    for many in (10, 40):
        drawn.clear()
        expected = [Expected(f"{many}-{place}", f"c{place}", 100, 0.05, None, 1.0, 0.05, 0.03) for place in range(many)]
        simulated_gate.chances(expected, alpha=0.05)
        simulated_gate.most_helpful(expected, alpha=0.05)
        # Both margins of each benchmark, and of those that are imagined to grow.
        assert len(drawn) == 2 * (many + simulated_gate.TRIED)


def test_a_loss_of_partial_credit_is_shown_in_points_and_one_of_nats_in_nats(tmp_path):
    rows = planned(tmp_path, "--recipe=gptq-w4a16", "--benchmark=nano-reasoning,nano-perplexity")
    assert [row["rate"] for row in rows if row["kind"] == "items"] == [row["benchmark"] == "nano-reasoning" for row in rows]
    # Partial credit has no share of flips.
    graded = {**rows[0], "discordance": None, "minimum_detectable_effect": 0.021}
    assert [one["smallest loss"] for one in shown([{**graded, "rate": True}, {**graded, "rate": False}])] == ["2.1 pts", "0.021 nats"]
