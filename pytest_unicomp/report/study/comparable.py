"""Finds what is not the same in several reports: options of the runs, settings and calibration text of a recipe, what a capability rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import RecipeVerdict
from pytest_unicomp.config.settings import flag, shaping
from pytest_unicomp.report.study.records import Differing
from pytest_unicomp.report.study.sources import Source

# They say what a score and an interval mean, so a table of both has no meaning if they differ.
REFUSED: Final = ("scoring", "confidence")
# Which items are drawn: intervals tell how many there were, and models are compared with their own reference.
ITEMS: Final = ("limit", "seed")
# Each check names its own.
BY_CHECK: Final = ("judge",)
# How a model is run and addressed, which may be a model's own.
OWN: Final = ("backend", "serve", "template_arg", "think_end_token", "max_gen_toks", "sampling")
OPTIONS: Final = "options"


def differing_options(models: Sequence[Source]) -> list[Differing]:
    """Return the recorded options that shape a measurement and differ between the runs; raise UsageProblem if scores or intervals mean different things."""
    defaults = {option.name: option.default for option in shaping() if option.shapes == "measurement" and option.recorded}
    found = []
    for name in ("confidence", *defaults):
        values = {
            model.name: shown(model.confidence if name == "confidence" else model.report.policy.get(name, defaults.get(name)))
            for model in models
        }
        if len(set(values.values())) == 1:
            continue
        if name in REFUSED:
            raise UsageProblem(_refusal(name, models, values))
        found.append(Differing(field=name, about=OPTIONS, values=values, effect="noted" if name in ITEMS + OWN + BY_CHECK else "marked"))
    return found


def differing_recipe(recipe: str, rows: Mapping[str, RecipeVerdict]) -> list[Differing]:
    """Return the settings and the calibration text that differ between the models (keys of `rows`) of a recipe.

    Another mixture, or other handling of its texts, is marked. Settings and the amount of text follow the size of the model, and are noted.
    """
    by_model = {model: _made_with(row) for model, row in rows.items()}
    names = dict.fromkeys(name for own in by_model.values() for name in own)
    found = []
    for name in names:
        values = {model: own[name] for model, own in by_model.items() if name in own}
        if len(values) == len(by_model) and len(set(values.values())) > 1:
            effect = "marked" if name in ("calibration.mixture", "calibration.form") else "noted"
            found.append(Differing.model_validate({"field": name, "about": recipe, "values": values, "effect": effect}))
    return found


def differing_capability(recipe: str, capability: str, models: Sequence[Source]) -> list[Differing]:
    """Return the first of benchmarks, metrics and judges in which the checks of a capability differ between models; as a list of one, or none."""
    own = {
        model.name: [
            check
            for check in model.report.checks
            if (check.recipe, check.capability, check.question) == (recipe, capability, "retention")
            and check.verdict not in ("error", "not_comparable")
        ]
        for model in models
    }
    asked = {model: checks for model, checks in own.items() if checks}
    by_field = {
        "benchmarks": {model: ", ".join(sorted({check.benchmark for check in checks})) for model, checks in asked.items()},
        "metric": {model: _of_each({check.benchmark: check.metric for check in checks}) for model, checks in asked.items()},
        "judge": {model: _of_each({check.benchmark: check.judge for check in checks}) for model, checks in asked.items()},
    }
    for name, values in by_field.items():
        if len(set(values.values())) > 1:
            return [Differing(field=name, about=f"{recipe}, {capability}", values=values, effect="marked")]
    return []


def shown(value: Any) -> str:
    """Return an option's value as text that is equal for equal values, whether they come from a file or from a declaration."""
    if isinstance(value, str):
        return value
    return "none" if value is None or value in ((), []) else json.dumps(value, sort_keys=True)


def _made_with(row: RecipeVerdict) -> dict[str, str]:
    found = {f"settings.{name}": shown(value) for name, value in row.settings.items() if isinstance(value, str | int | float | bool)}
    if row.calibration is not None:
        fields = ("mixture", "form", "samples", "tokens", "seed")
        found |= {f"calibration.{name}": shown(value) for name, value in row.calibration.model_dump(include=set(fields)).items()}
    return found


def _of_each(values: Mapping[str, str]) -> str:
    return ", ".join(sorted({f"{benchmark}: {value}" for benchmark, value in values.items()}))


def _refusal(name: str, models: Sequence[Source], values: Mapping[str, str]) -> str:
    first = models[0]
    other = next(model for model in models if values[model.name] != values[first.name])
    again = f"run one again with {flag('alpha' if name == 'confidence' else name)} as in the other"
    return (
        f"unicomp: {name} is {values[first.name]} in {first.file} and {values[other.name]} in {other.file}; "
        f"expected the same in all reports of a study; {again}."
    )
