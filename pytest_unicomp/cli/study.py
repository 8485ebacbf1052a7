"""`unicomp study`: the reports of several models side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, nearest
from pytest_unicomp.cli.output import as_text, say, show

if TYPE_CHECKING:
    from pytest_unicomp.report.study import Finding, Study
    from pytest_unicomp.report.study.records import ModelClass
    from pytest_unicomp.report.study.sources import Source

SUFFIXES = (".html", ".md", ".tex", ".json")


def study(
    source: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="JSON reports of runs, one per model")],
    output: Annotated[
        list[Path] | None, typer.Option("--output", "-o", help="file to write, with suffix .html, .md, .tex or .json; repeatable")
    ] = None,
    model_class: Annotated[
        list[str] | None,
        typer.Option("--class", help="the class of a model, MODEL=base, instruction, thinking or mixture-of-experts; repeatable"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one object, schema unicomp-study/1")] = False,
) -> None:
    """Put the reports of several models side by side.

    Shows recipes by models: verdicts, scores and retention with intervals, quality against cost, perplexity by class of model. The paper's claims are
    tested on them, each with statistic and interval. Reports of
    other scoring or confidence are refused; what else differs is named, and not compared if it changes what a score means.

    Example: unicomp study small.json large.json --class large=thinking -o study.html -o study.tex
    """
    from pytest_unicomp.report import study as studies

    for path in output or []:
        _require_suffix(path)
    found = studies.sources(source)
    made = studies.study(found, _classes(model_class or [], [model.name for model in found]))
    answers = studies.findings(made, found)
    if as_json:
        typer.echo(as_text(_document(made, answers)))
    else:
        _print(made, answers)
    for path in output or []:
        try:
            _write(made, found, answers, path)
        except OSError as error:
            raise InfrastructureError(f"unicomp: {path} was not written: {error.strerror or error}; choose another place.") from error
        typer.echo(f"unicomp: wrote {path}", err=as_json)


def _require_suffix(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageProblem(
            f"unicomp: --output {path} has the suffix {suffix!r}; expected one of {', '.join(SUFFIXES)}.{nearest(suffix, SUFFIXES)}"
        )


def _classes(given: Sequence[str], models: Sequence[str]) -> Mapping[str, ModelClass]:
    from pydantic import TypeAdapter

    from pytest_unicomp.report.study.records import ModelClass

    known, found = get_args(ModelClass), {}
    for one in given:
        model, _, kind = one.rpartition("=")
        if model not in models:
            raise UsageProblem(
                f"unicomp: --class {one}: no report is of {model!r}; expected MODEL=CLASS with one of: {', '.join(models)}.{nearest(model, models)}"
            )
        if kind not in known:
            raise UsageProblem(
                f"unicomp: --class {one}: there is no class {kind!r}; expected one of {', '.join(known)}.{nearest(kind, known)}"
            )
        found[model] = TypeAdapter[ModelClass](ModelClass).validate_python(kind)
    return found


def _document(study: Study, answers: Sequence[Finding]) -> dict[str, Any]:
    return {**study.model_dump(mode="json"), "findings": [answer.model_dump(mode="json") for answer in answers]}


def _print(study: Study, answers: Sequence[Finding]) -> None:
    from pytest_unicomp.compare.wording import counted
    from pytest_unicomp.report.numbers import ascii_only
    from pytest_unicomp.report.study import tables
    from pytest_unicomp.report.study.findings import leading

    def plain(text: str) -> str:
        return ascii_only(text).replace("\u202f", " ").replace(tables.MARK, "*")

    say(f"{100 * study.confidence:.4g} % intervals in brackets; *: not compared between the models")
    for table in (tables.models(study), tables.differing(study), tables.matrix(study), tables.retention(study)):
        if table.rows:
            say(f"\n{plain(table.title)}")
            show([dict(zip(table.columns, map(plain, row), strict=True)) for row in table.rows], False, table.columns)
    say("\nClaims of the paper (arXiv 2602.09130)")
    for one in leading(answers):
        answer = one.reason if one.answer == "cannot tell" else f"{one.answer}: {one.reason}"
        say(plain(f"  {one.claim}: {answer}"))
        say(f"    statistic: {one.statistic}; {counted(one.recipes, 'recipe')}, {counted(one.models, 'model')}")


def _write(study: Study, sources: Sequence[Source], answers: Sequence[Finding], path: Path) -> None:
    from pytest_unicomp.report.study import latex, markdown, page
    from pytest_unicomp.store.local import write_text

    suffix = path.suffix.lower()
    if suffix == ".html":
        text = page.render(study, sources, answers)
    elif suffix == ".md":
        text = markdown.render(study, answers)
    elif suffix == ".tex":
        text = latex.render(study, answers)
    else:
        text = json.dumps(_document(study, answers), indent=1) + "\n"
    write_text(path, text)
