"""Commands that repeat a check."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report import html, repeat
from tests.report import toy_report
from tests.report.page_reader import Page


@pytest.fixture(scope="module")
def report() -> Report:
    return toy_report.full()


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(toy_report.full()))


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


def test_informing_recipes_and_candidates_are_repeated_by_their_own_options() -> None:
    recipe, checks = toy_report.judge_recipe("w4a16", "candidate", True, {"reasoning": 0.2}, bits=4, seed=0)
    report = toy_report.report([(recipe.model_copy(update={"settings": {"source": "out/my model"}}), checks)])
    assert "'--unicomp-candidate=out/my model'" in repeat.command(report, checks[0])
    informing = checks[0].model_copy(update={"family": "pruning", "gates": False})
    assert "--unicomp-inform=w4a16" in repeat.command(report, informing)
