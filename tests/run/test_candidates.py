"""The word `all` means the recipes that can be made of the model; a recipe that is named is made, or refused in one line before anything runs."""

from __future__ import annotations

import importlib.util
import json

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.registry import methods
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.hub_needs import require_hub
from pytest_unicomp.run.preflight import preflight
from tests.loopback_hub import Repository
from tests.run.test_hub_needs import Held

EXPERTS = {"reap-25", "reap-50"}


def planned(**flags):
    return preflight(resolve({"model": "nano", "recipe": ["rtn-w8a16"], "benchmark": ["bytes"], **flags}, {})).plan


def folder(path, **config):
    """A folder with this configuration and nano's other files."""
    path.mkdir(parents=True)
    for file in NANO.iterdir():
        if file.name != "config.json":
            (path / file.name).symlink_to(file)
    (path / "config.json").write_text(json.dumps({**json.loads((NANO / "config.json").read_text()), **config}))
    return path


def test_all_recipes_of_a_model_without_experts_leave_out_what_removes_experts_and_say_so():
    made = planned(inform=["all"])
    assert {candidate.name for candidate in made.candidates} == set(methods()) - EXPERTS
    assert set(made.left_out) == EXPERTS
    assert "left out of `all`, 2 recipes: reap-25, reap-50: it has no experts to remove" in made.notes


def test_all_recipes_of_a_model_of_odd_width_are_those_that_take_its_width(tmp_path):
    made = planned(model=str(folder(tmp_path / "odd", hidden_size=576)), recipe=["all"])
    assert "fp8-block" in made.left_out
    assert "rtn-w4a16" not in made.left_out
    assert any("fp8-block: it works on groups of 128 inputs, which do not divide hidden_size 576" in note for note in made.notes)


def test_all_recipes_are_those_whose_libraries_are_here(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None if name == "awq" else found(name, package))
    made = planned(recipe=["all"])
    assert "autoawq-w4a16" in made.left_out
    assert any("autoawq-w4a16: needs autoawq, which is not installed here" in note for note in made.notes)


def test_a_recipe_that_is_named_beside_all_is_refused_and_not_left_out():
    with pytest.raises(UsageProblem, match="recipe 'reap-25' cannot compress nano"):
        planned(recipe=["reap-25"], inform=["all"])


def test_without_all_nothing_is_left_out():
    assert planned(inform=["wanda-50"]).left_out == ()


def fetched(loopback):
    return {path.rpartition("/")[2] for method, path in loopback.asked if method == "GET" and "resolve" in path}


def test_all_recipes_of_a_model_of_the_hub_are_those_that_its_configuration_lets_be_made(loopback, tmp_path):
    loopback.models["org/odd"] = Repository({"main": folder(tmp_path / "odd", hidden_size=576)})
    assert set(planned(model="org/odd", recipe=["all"]).left_out) >= {*EXPERTS, "fp8-block"}
    assert fetched(loopback) == {"config.json"}


def test_a_recipe_that_cannot_compress_a_model_of_the_hub_is_refused_before_its_weights_are_fetched(loopback, tmp_path):
    loopback.models["org/odd"] = Repository({"main": folder(tmp_path / "odd", hidden_size=576)})
    settings = resolve({"model": "org/odd", "recipe": ["fp8-block"], "benchmark": ["bytes"]}, {})
    made = preflight(settings).plan
    assert loopback.asked == [], "a plan alone asks nothing"
    with pytest.raises(UsageProblem, match="recipe 'fp8-block' cannot compress org/odd"):
        require_hub(settings, made, made.cells, Held())
    assert fetched(loopback) == {"config.json"}


@pytest.mark.parametrize("status", [429, 503])
def test_what_the_hub_does_not_tell_now_is_left_to_the_question_that_reports_why(loopback, status):
    loopback.models["org/nano"] = Repository({"main": NANO})
    loopback.status = status
    made = planned(model="org/nano", recipe=["all"])
    assert {candidate.name for candidate in made.candidates} == set(methods())
    assert len(loopback.asked) == 1


def test_the_targets_text_is_for_pruned_and_quantized_recipes_that_take_text():
    recipes = ["rtn-w8a16", "wanda-50", "gptq-w4a16", "magnitude-50", "minitron-depth"]
    made = planned(recipe=recipes, benchmark=["nano-ethics"], calibration_target="reasoning").candidates
    again = {one.name: (one.instead_of, one.calibration, one.gates) for one in made if one.instead_of is not None}
    assert again == {
        "wanda-50@reasoning": ("wanda-50", "reasoning", False),
        "gptq-w4a16@reasoning": ("gptq-w4a16", "reasoning", False),
    }
