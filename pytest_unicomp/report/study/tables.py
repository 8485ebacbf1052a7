"""Lays a study out as tables of plain text cells, for Markdown, LaTeX and the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_unicomp.api.vocabulary import SCORES
from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report import numbers, words
from pytest_unicomp.report.numbers import DASH
from pytest_unicomp.report.study import perplexity
from pytest_unicomp.report.study.findings import Finding, leading
from pytest_unicomp.report.study.records import ScoreCell, Study, StudyCell

# Behind what is not compared between models.
MARK = "‡"


@dataclass(frozen=True)
class Table:
    """A table: a title, the heads of its columns and rows of as many cells; the first `texts` columns are names, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1


def tables(study: Study, found: Sequence[Finding]) -> list[Table]:
    """Return the tables of a study that have a row, in the order of its page."""
    made = [models(study), differing(study), matrix(study), scores(study), retention(study), *_perplexities(study), findings(found)]
    return [table for table in made if table.rows]


def models(study: Study) -> Table:
    """Return one row per model."""
    rows = (
        (model.name, model.model_class or DASH, f"{model.parameters:,}".replace(",", "\u202f"), numbers.size(model.bytes), model.file)
        for model in study.models
    )
    return Table("Models", ("model", "class", "parameters", "weight files", "report"), tuple(rows), texts=2)


def differing(study: Study) -> Table:
    """Return one row per field that is not the same in all reports."""
    names = [model.name for model in study.models]
    rows = ((one.about, one.field, one.effect, *(one.values.get(name, DASH) for name in names)) for one in study.differing)
    return Table("What differs between the reports", ("about", "field", "effect", *names), tuple(rows), texts=3 + len(names))


def matrix(study: Study) -> Table:
    """Return verdict and quality of every recipe and model."""
    rows = (
        (recipe, family, *(_verdict(study.cell(model.name, recipe)) for model in study.models)) for recipe, family in study.recipes.items()
    )
    shared = ", ".join(words.SCORES[name] for name in study.shared)
    title = f"Verdict, and quality (mean of {shared}) in percent of the reference" if shared else "Verdict by recipe and model"
    return Table(title, ("recipe", "family", *(model.name for model in study.models)), tuple(rows), texts=2)


def scores(study: Study) -> Table:
    """Return the scores that any cell has, one row per recipe and model."""
    names = [name for name in SCORES if any(name in cell.scores for cell in study.cells)]
    rows = tuple((cell.recipe, cell.model, *(_score(cell.scores.get(name)) for name in names)) for cell in _ordered(study) if cell.scores)
    return Table("Scores in percent of the reference", ("recipe", "model", *names), rows, texts=2)


def retention(study: Study) -> Table:
    """Return the retention of each capability, one row per recipe and model."""
    names = list(dict.fromkeys(kept.capability for cell in study.cells for kept in cell.kept))
    rows = tuple((cell.recipe, cell.model, *(_kept(cell, name) for name in names)) for cell in _ordered(study) if cell.kept)
    return Table("Retention by capability, in percent of the reference", ("recipe", "model", *map(spoken, names)), rows, texts=2)


def findings(found: Sequence[Finding]) -> Table:
    """Return one row per claim, for all models together if there are several, else for the only one."""
    rows = ((one.claim, one.answer, one.statistic, _signed(one), str(one.recipes), str(one.models)) for one in leading(found))
    return Table("Claims of the paper", ("claim", "answer", "statistic", "value and interval", "recipes", "models"), tuple(rows), texts=3)


def _signed(one: Finding) -> str:
    if one.value is None:
        return DASH
    bounds = "" if one.interval is None else f" [{one.interval[0]:.2f}, {one.interval[1]:.2f}]"
    return f"{one.value:.2f}{bounds}".replace("-", "−")


def _perplexities(study: Study) -> Iterator[Table]:
    summed = perplexity.summaries(study)
    classes = list(dict.fromkeys(one.model_class for one in summed))
    names = [model.name for model in study.models]
    for benchmark in perplexity.benchmarks(study):
        rows = []
        for recipe in study.recipes:
            kept = {one.model_class: f"{one.kept:.1f}" for one in summed if (one.benchmark, one.recipe) == (benchmark, recipe)}
            rows.append(
                (recipe, *(_perplexity(study.cell(name, recipe), benchmark) for name in names), *(kept.get(one, DASH) for one in classes))
            )
        heads = ("recipe", *names, *(f"kept: {one}" for one in classes))
        yield Table(f"Perplexity on {benchmark}, and what is kept of it in percent", heads, tuple(rows))


def _ordered(study: Study) -> list[StudyCell]:
    return [cell for recipe in study.recipes for model in study.models if (cell := study.cell(model.name, recipe)) is not None]


def _verdict(cell: StudyCell | None) -> str:
    if cell is None:
        return DASH
    return words.VERDICTS[cell.verdict] if cell.quality is None else f"{words.VERDICTS[cell.verdict]} {_score(cell.quality)}"


def _score(score: ScoreCell | None) -> str:
    return DASH if score is None else f"{score.value:.1f}{_between(score.interval)}{MARK if score.marked else ''}"


def _kept(cell: StudyCell, capability: str) -> str:
    found = next((kept for kept in cell.kept if kept.capability == capability and kept.retention is not None), None)
    if found is None or found.retention is None:
        return DASH
    bounds = None if found.interval is None else (100 * found.interval[0], 100 * found.interval[1])
    return f"{100 * found.retention:.1f}{_between(bounds)}{MARK if found.marked else ''}"


def _perplexity(cell: StudyCell | None, benchmark: str) -> str:
    found = next((one for one in (cell.perplexities if cell else ()) if one.benchmark == benchmark), None)
    return DASH if found is None else f"{found.candidate:.2f} of {found.reference:.2f}: {found.kept:.1f}{_between(found.interval)}"


def _between(bounds: Sequence[float] | None) -> str:
    return "" if bounds is None else f" [{bounds[0]:.1f}, {bounds[1]:.1f}]".replace("-", "−")
