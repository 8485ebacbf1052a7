"""`unicomp plan` on the power of a gate: against simulation by the real rules, and where nothing is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from pytest_unicomp import cli, compare
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.commands import plan_power
from pytest_unicomp.compare import stats
from pytest_unicomp.store.baselines import Baselines, packaged
from tests.docs.test_readme_example import POLICY, limited

RUN = CliRunner()


def planned(tmp_path, *words):
    found = RUN.invoke(cli.app, ["plan", "nano", f"--cache={tmp_path}", "--json", *words])
    assert found.exception is None, found.exception
    return json.loads(found.stdout)


def test_the_items_for_a_margin_give_the_power_they_promise():
    n = plan_power.items_for(0.03, 0.08, alpha=0.05)
    assert 540 < n < 560
    counts = np.random.default_rng(1).multinomial(n, [0.04, 0.04, 0.92], size=4000)
    passes = stats.decide_counts(counts[:, 0], counts[:, 1], n, margin=0.03, alpha=0.05).passes.mean()
    assert passes == pytest.approx(0.8, abs=0.03)


def test_without_a_flip_the_rule_of_three_still_asks_for_items():
    n = plan_power.items_for(0.03, 1e-9, alpha=0.05)
    assert stats.decide_counts([0], [0], n, margin=0.03, alpha=0.05).passes[0]
    assert not stats.decide_counts([0], [0], n - 2, margin=0.03, alpha=0.05).passes[0]
    assert plan_power.items_for(0.03, 0.08, alpha=0.05, effect=2.0) == pytest.approx(
        2 * plan_power.items_for(0.03, 0.08, alpha=0.05), abs=1
    )
    assert plan_power.items_for(0.0, 0.08, alpha=0.05) is None


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
