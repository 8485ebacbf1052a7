"""What evaluates the reference and each candidate: the candidate's own entry, else the option of the candidates, else that of the run."""

from __future__ import annotations

import pytest

from pytest_unicomp.config.evaluated_by import EvaluatedBy, evaluated_by
from pytest_unicomp.config.evaluation import evaluation_of, key_of
from pytest_unicomp.config.resolve import resolve

OWN = {"own": {"serve": "c {model} {port}", "key_variable": "OWN_KEY"}, "keyed": {"key_variable": "OWN_KEY"}}


@pytest.mark.parametrize(
    ("flags", "candidate", "expected"),
    [
        ({}, None, EvaluatedBy("hf", None, "UNICOMP_API_KEY", "--unicomp-backend")),
        ({"serve": "a"}, None, EvaluatedBy("server", "a", "UNICOMP_API_KEY", "--unicomp-serve")),
        ({"serve": "a"}, "other", EvaluatedBy("server", "a", "UNICOMP_API_KEY", "--unicomp-serve")),
        ({"serve": "a", "serve_candidate": "b"}, None, EvaluatedBy("server", "a", "UNICOMP_API_KEY", "--unicomp-serve")),
        ({"serve": "a", "serve_candidate": "b"}, "other", EvaluatedBy("server", "b", "UNICOMP_API_KEY", "--unicomp-serve-candidate")),
        ({"serve_candidate": "b"}, "own", EvaluatedBy("server", "c {model} {port}", "OWN_KEY", "candidates.own.serve")),
        (
            {"backend": "lm-eval:hf", "backend_candidate": "lm-eval:vllm"},
            "other",
            EvaluatedBy("lm-eval:vllm", None, "UNICOMP_API_KEY", "--unicomp-backend-candidate"),
        ),
        ({"serve": "a", "backend_candidate": "hf"}, "other", EvaluatedBy("hf", None, "UNICOMP_API_KEY", "--unicomp-backend-candidate")),
        ({"key_variable": "K"}, "other", EvaluatedBy("hf", None, "K", "--unicomp-backend")),
        ({"key_variable": "K"}, "keyed", EvaluatedBy("hf", None, "OWN_KEY", "--unicomp-backend")),
    ],
)
def test_the_nearest_setting_wins(flags, candidate, expected):
    assert evaluated_by(resolve(flags, {"candidates": OWN}), candidate) == expected


def test_a_recipe_made_with_the_targets_text_is_evaluated_as_the_recipe_is_unless_it_has_an_entry_of_its_own():
    retargeted = resolve({"calibration_target": "reasoning"}, {"candidates": OWN})
    assert evaluated_by(retargeted, "own@reasoning") == evaluated_by(retargeted, "own")
    assert evaluated_by(retargeted, "own@generic") == evaluated_by(retargeted, "other")
    apart = resolve({"calibration_target": "reasoning"}, {"candidates": {**OWN, "own@reasoning": {"key_variable": "APART"}}})
    assert evaluated_by(apart, "own@reasoning").key_variable == "APART"


def test_another_command_for_the_candidates_changes_the_key_of_their_measurements_alone():
    settings = resolve({"serve": "a", "serve_candidate": "b"})
    evaluation = evaluation_of(settings)
    of_reference, of_candidate = (key_of(evaluated_by(settings, name).of(evaluation)) for name in (None, "other"))
    assert of_reference == key_of(evaluation_of(resolve({"serve": "a"})))
    assert of_candidate == key_of(evaluation_of(resolve({"serve": "b"})))
    assert of_reference != of_candidate
