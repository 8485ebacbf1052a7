"""A fragment of a model card that the hub's own reader understands."""

import pytest
from typer.testing import CliRunner

from pytest_unicomp import report as reports
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli import app
from pytest_unicomp.report import model_card
from tests.report.toy_report import NASTY, small


def one_gating():
    """The toy report with its first gating recipe as the only one."""
    report = small()
    name = next(recipe.recipe for recipe in report.recipes if recipe.gates)
    recipes = [recipe.model_copy(update={"gates": recipe.recipe == name}) for recipe in report.recipes]
    return report.model_copy(update={"recipes": recipes}), name


def test_the_hubs_reader_finds_every_benchmark_with_its_value():
    from huggingface_hub import ModelCard

    report, name = one_gating()
    data = ModelCard(model_card.render(report, model_card.chosen(report, None)), ignore_metadata_errors=False).data
    measured = {check.benchmark: check for check in report.checks if check.recipe == name and check.question == "retention"}
    found = {result.dataset_name: result for result in data.eval_results}
    assert found.keys() == {name for name, check in measured.items() if check.candidate.value is not None}
    for benchmark, result in found.items():
        assert result.metric_value == measured[benchmark].candidate.value
        assert result.metric_type == measured[benchmark].metric
        assert f"{measured[benchmark].n} items" in result.metric_name
    assert data.model_name == name
    assert data.base_model == report.reference.model


def test_the_table_tells_each_capability_with_its_interval_and_verdict():
    report, name = one_gating()
    text = model_card.render(report, model_card.chosen(report, name))
    recipe = model_card.chosen(report, name)
    for pooled in recipe.capabilities:
        assert f"| {pooled.capability.replace('_', ' ')} |" in text
    assert "90 % interval" in text


def test_names_that_would_break_yaml_or_markdown_stay_text():
    import yaml

    report, name = one_gating()
    for nasty in NASTY:
        reference = report.reference.model_copy(update={"model": nasty})
        text = model_card.render(report.model_copy(update={"reference": reference}), model_card.chosen(report, name))
        front = yaml.safe_load(text.split("---\n")[1])
        assert front["base_model"] == nasty
        assert "<script" not in text.split("---\n", 2)[2]


def test_a_card_is_about_one_model(tmp_path):
    report = small()
    gating = [recipe.recipe for recipe in report.recipes if recipe.gates]
    assert len(gating) > 1
    with pytest.raises(UsageProblem, match="choose with --recipe"):
        model_card.chosen(report, None)
    with pytest.raises(UsageProblem, match=f"Did you mean '{gating[0]}'"):
        model_card.chosen(report, gating[0] + "x")
    reports.write(report, tmp_path / "gate.json")
    words = ["report", str(tmp_path / "gate.json"), "-o", str(tmp_path / "card.md"), "--model-card", "--recipe", gating[0]]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert (tmp_path / "card.md").read_text(encoding="utf-8").startswith("---\nbase_model:")
    with pytest.raises(UsageProblem, match=r"suffix \.md"):
        CliRunner().invoke(app, [*words[:2], "-o", str(tmp_path / "a.html"), "--model-card"], standalone_mode=False, catch_exceptions=False)
