from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.config.evaluation import evaluation_of
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.hub_needs import data, models, require_hub
from pytest_unicomp.run.plan import plan
from tests.loopback_hub import Repository


@dataclass
class Held:
    """A store that holds the artifacts and the measurements of all recipes, or neither."""

    artifacts: bool = False
    measurements: bool = False

    def artifact_is_stored(self, recipe: str) -> bool:
        return self.artifacts

    def is_measured(self, recipe: str, benchmark: str) -> bool:
        return self.measurements


def planned(**more):
    settings = resolve({"model": "org/nano", "recipe": ["wanda-50,rtn-w8a16"], "benchmark": ["arc_easy,piqa,bytes"], **more}, {})
    return settings, plan(settings, evaluation_of(settings))


def needed(settings, made, recipes=None):
    cells = [cell for cell in made.cells if recipes is None or cell.recipe in recipes]
    found = [*models(settings, made, cells), *data(settings, made, {cell.benchmark for cell in cells}, {cell.recipe for cell in cells})]
    return [repository.name for repository in found]


def test_models_data_sets_and_calibration_text_are_needed_each_once():
    settings, made = planned(candidate=["org/small@v2"])
    assert needed(settings, made) == ["org/nano", "org/small", "allenai/ai2_arc", "baber/piqa", "allenai/c4"]


def test_only_what_the_chosen_cells_need_is_needed():
    settings, made = planned(candidate=["org/small"])
    assert "allenai/c4" not in needed(settings, made, recipes={"rtn-w8a16"})
    assert "org/small" not in needed(settings, made, recipes={"rtn-w8a16"})


def test_the_embedded_model_needs_nothing():
    settings, made = planned(model="nano", benchmark=["nano-knowledge"])
    assert needed(settings, made) == []


def test_a_classifier_that_judges_is_needed():
    settings, made = planned(model="nano", benchmark=["nano-knowledge"], judge="classifier:org/judge")
    assert needed(settings, made) == ["org/judge"]


@pytest.mark.parametrize(
    ("held", "lacking"),
    [
        (Held(), r"the data set allenai/ai2_arc"),
        (Held(artifacts=True), r"the data set allenai/ai2_arc"),
        (Held(measurements=True), r"the data set allenai/c4"),
    ],
)
def test_offline_what_the_store_does_not_hold_is_refused(loopback, monkeypatch, held, lacking):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    settings, made = planned(model=str(NANO))
    with pytest.raises(UsageProblem, match=lacking):
        require_hub(settings, made, made.cells, held)
    assert loopback.asked == []


def test_data_of_what_the_store_holds_are_not_needed(loopback, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    settings, made = planned(model=str(NANO), recipe=["wanda-50"])
    require_hub(settings, made, [*made.cells, *made.pooled(), *made.artifacts()], Held(artifacts=True, measurements=True))
    with pytest.raises(UsageProblem, match="HF_HUB_OFFLINE"):
        require_hub(settings, made, made.cells, Held(artifacts=True))


def test_a_model_is_not_fetched_only_to_look_into_the_store(loopback):
    class Untouched(Held):
        def artifact_is_stored(self, recipe: str) -> bool:
            raise AssertionError("the model would be fetched for this")

        def is_measured(self, recipe: str, benchmark: str) -> bool:
            raise AssertionError("the model would be fetched for this")

    loopback.models["org/nano"] = Repository({"main": NANO})
    settings, made = planned()
    with pytest.raises(UsageProblem, match="the data set allenai/ai2_arc is not on the hub"):
        require_hub(settings, made, made.cells, Untouched())
