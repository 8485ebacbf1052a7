"""Writes a model card fragment for one recipe: front matter for the Hugging Face hub (`model-index`), and a table for readers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.records import CapabilityVerdict, Check, RecipeVerdict, Report
from pytest_unicomp.compare import partial
from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report import numbers, waiver_rows
from pytest_unicomp.report.markdown import escaped
from pytest_unicomp.report.words import VERDICTS
from pytest_unicomp.store.local import write_text

# The hub's `base_model_relation` by family; it has no value for pruning.
RELATIONS: Final = {"quantization": "quantized", "distillation": "finetune"}
TASK: Final = "text-generation"


def chosen(report: Report, name: str | None) -> RecipeVerdict:
    """Return the named recipe, else the only gating one; raise UsageProblem for an unknown name, or if several recipes gate."""
    names = [recipe.recipe for recipe in report.recipes]
    if name is not None and name not in names:
        raise UsageProblem(f"unicomp: the report has no recipe {name!r}; expected one of {', '.join(names)}.{nearest(name, names)}")
    gating = [recipe for recipe in report.recipes if recipe.gates] or list(report.recipes)
    if name is None and len(gating) != 1:
        raise UsageProblem(
            f"unicomp: a model card describes one recipe, and {len(gating)} are candidates; choose with --recipe: {', '.join(names) or 'the report has none'}."
        )
    return gating[0] if name is None else next(recipe for recipe in report.recipes if recipe.recipe == name)


def render(report: Report, recipe: RecipeVerdict) -> str:
    """Return YAML front matter and Markdown for one recipe of a report; each metric's name gives its standard error and number of items."""
    own = [check for check in report.checks if check.recipe == recipe.recipe]
    measured = [check for check in own if check.question == "retention" and check.candidate.value is not None]
    return (
        "\n".join(
            [*_front_matter(report, recipe, measured), "", *_prose(report, recipe), "", *_table(recipe, own), *_waived(report, recipe)]
        )
        + "\n"
    )


def write(report: Report, path: Path, name: str | None) -> None:
    """Write the fragment atomically. Raises UsageProblem as `chosen` does, and OSError if writing fails."""
    write_text(path, render(report, chosen(report, name)))


def _front_matter(report: Report, recipe: RecipeVerdict, measured: list[Check]) -> Iterator[str]:
    yield "---"
    if report.reference is not None:
        yield f"base_model: {_scalar(report.reference.model)}"
        if recipe.family in RELATIONS:
            yield f"base_model_relation: {RELATIONS[recipe.family]}"
    yield "model-index:"
    yield f"- name: {_scalar(recipe.recipe)}"
    yield "  results:" if measured else "  results: []"
    for check in measured:
        error = check.candidate.stderr
        uncertainty = "standard error not known" if error is None else f"standard error {error:.4g}"
        yield f"  - task: {{type: {TASK}}}"
        yield f"    dataset: {{name: {_scalar(check.benchmark)}, type: {_scalar(check.benchmark)}}}"
        yield "    metrics:"
        yield f"    - type: {_scalar(check.metric)}"
        yield f"      value: {check.candidate.value!r}"
        yield f"      name: {_scalar(f'{check.metric}, {uncertainty}, {check.n} items')}"
    yield "---"


def _scalar(value: Any) -> str:
    """Return a text as a YAML scalar: a JSON string is one."""
    return json.dumps(str(value), ensure_ascii=True)


def _prose(report: Report, recipe: RecipeVerdict) -> Iterator[str]:
    yield "## Evaluation of the compression"
    yield ""
    base = escaped(report.reference.model) if report.reference else "an unknown reference"
    made = recipe.artifact
    size = ""
    if made is not None and made.bytes is not None and report.reference is not None:
        bits = "" if made.bits_per_weight is None else f" ({made.bits_per_weight:.2f} bits per weight)"
        size = f" Weight files: {numbers.size(made.bytes)}{bits}, the base model's {numbers.size(report.reference.bytes)}."
    yield f"Made from {base} by `{escaped(recipe.recipe)}`.{size} Compared with it item by item by pytest-unicomp on {report.created[:10]}."
    if report.partial is not None:
        yield f"**{partial.counted(report.partial).capitalize()}** of the run have an answer."
    excused = " with waivers" if recipe.without_waivers not in (None, recipe.verdict) else ""
    yield f"Verdict: **{VERDICTS[recipe.verdict]}**{excused}: {escaped(recipe.reason)}"


def _table(recipe: RecipeVerdict, own: list[Check]) -> Iterator[str]:
    if not recipe.capabilities:
        return
    confidence = f"{100 * recipe.capabilities[0].confidence:.4g} %"
    yield f"| capability | benchmarks | retention | difference | {confidence} interval | accepted loss | verdict |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for pooled in recipe.capabilities:
        yield f"| {' | '.join(_cells(pooled, own))} |"


def _cells(pooled: CapabilityVerdict, own: list[Check]) -> Iterator[str]:
    unit = numbers.unit_of_capability(pooled, own)
    yield spoken(pooled.capability)
    yield ", ".join(escaped(name) for name in [*pooled.benchmarks, *(f"{name} (set aside)" for name in pooled.set_aside)])
    yield numbers.DASH if pooled.retention is None else numbers.percent(pooled.retention)
    yield numbers.DASH if pooled.difference is None else numbers.change(pooled.difference, unit)
    yield numbers.DASH if pooled.interval is None else numbers.interval(pooled.interval, unit)
    yield numbers.DASH if pooled.margin is None else numbers.amount(pooled.margin, unit)
    yield VERDICTS[pooled.verdict] + (" (waived)" if pooled.waived else "")


def _waived(report: Report, recipe: RecipeVerdict) -> Iterator[str]:
    own = [waiver for waiver in report.waivers if waiver.recipe == recipe.recipe and waiver.state == "applied"]
    if own:
        yield ""
        yield "Waived:"
        yield ""
    for waiver in own:
        yield f"- {escaped(waiver_rows.excuses(waiver))}, by {escaped(waiver.owner)} until {waiver.expires}: {escaped(waiver.reason)}"
