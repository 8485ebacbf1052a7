"""Records of a study: several models' reports side by side, by recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from pytest_unicomp.api.records.record import Record
from pytest_unicomp.api.vocabulary import Family, Verdict

ModelClass = Literal["base", "instruction", "thinking", "mixture-of-experts"]


class StudyModel(Record):
    """One reference model: its name in the study, the report's file, its size, and its class if one was given."""

    name: str
    file: str
    fingerprint: str
    parameters: int
    bytes: int
    model_class: ModelClass | None = None


class Kept(Record):
    """The retention of one capability (1: nothing lost), with the interval of the paired difference in the reference's unit; None if not known.

    `marked` says why it is not compared between models, None if it is.
    """

    capability: str
    benchmarks: list[str]
    retention: float | None
    interval: tuple[float, float] | None
    verdict: Verdict
    marked: str | None = None


class ScoreCell(Record):
    """A score in percent of the reference with its interval (None: no spread, or an efficiency score without one); `marked` as in `Kept`."""

    value: float
    interval: tuple[float, float] | None
    marked: str | None = None


class Perplexity(Record):
    """Perplexity of the reference and of a recipe on one benchmark; `kept` is 100 x reference / recipe, with the interval of the paired difference."""

    benchmark: str
    reference: float
    candidate: float
    kept: float
    interval: tuple[float, float] | None


class StudyCell(Record):
    """One recipe of one model. `quality` is the mean of the quality scores that all cells of the study share, in percent of the reference."""

    model: str
    recipe: str
    family: Family
    verdict: Verdict
    scores: dict[str, ScoreCell]
    kept: list[Kept]
    perplexities: list[Perplexity]
    quality: ScoreCell | None = None


class Differing(Record):
    """A field that is not the same in all reports: its value by model, what it is about ("options", or recipe and capability), and what follows."""

    field: str
    about: str
    values: dict[str, str]
    effect: Literal["noted", "marked"]


class Study(Record):
    """Reports of several models side by side (schema `unicomp-study/1`); pages and tables are made from it and the reports.

    `shared` names the quality scores that every cell has and that are compared between models.
    """

    schema_: Literal["unicomp-study/1"] = Field(default="unicomp-study/1", alias="schema")
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True, serialize_by_alias=True)
    confidence: float
    models: list[StudyModel]
    recipes: dict[str, Family]
    cells: list[StudyCell]
    differing: list[Differing]
    shared: list[str]

    def cell(self, model: str, recipe: str) -> StudyCell | None:
        """Return the cell of a recipe of a model, None if that report has no such recipe."""
        return next((cell for cell in self.cells if (cell.model, cell.recipe) == (model, recipe)), None)
