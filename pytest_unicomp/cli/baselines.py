"""`unicomp baselines`: commands that list, show and write stored evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.output import Json, as_text, show
from pytest_unicomp.cli.store_option import Cache, open_store

Folder = Annotated[Path | None, typer.Option(help="folder of baselines; if not given, ./baselines, or else those of the package")]


def list_stored(
    model: Annotated[str | None, typer.Option(help="only baselines of this model")] = None, baselines: Folder = None, as_json: Json = False
) -> None:
    """List the baselines that drift is measured against. Example: unicomp baselines list --model nano"""
    from pytest_unicomp.cli.commands import baseline_admin

    rows = [vars(found) for found in baseline_admin.list_stored(_folder(baselines), model=model)]
    show(rows, as_json, ("model", "recipe", "benchmark", "n", "metric", "value", "stderr", "created"))


def show_one(model: str, recipe: str, benchmark: str, baselines: Folder = None) -> None:
    """Show one baseline as JSON, without its items. Example: unicomp baselines show nano wanda-50 nano-reasoning"""
    from pytest_unicomp.cli.commands import baseline_admin

    typer.echo(as_text(baseline_admin.details(_folder(baselines), model, recipe, benchmark)))


def orphans(baselines: Folder = None, as_json: Json = False) -> None:
    """List baselines whose benchmark or recipe does not exist. Example: unicomp baselines orphans"""
    from pytest_unicomp.cli.commands import baseline_admin
    from pytest_unicomp.methods.configured import here

    rows = [{"path": str(path), "reason": reason} for path, reason in baseline_admin.orphans(_folder(baselines), here())]
    show(rows, as_json, ("path", "reason"))


def accept(
    source: Annotated[Path, typer.Argument(metavar="REPORT", help="JSON report of the run whose evidence becomes the baseline")],
    recipe: Annotated[list[str] | None, typer.Option(help="only these recipes, comma-separated, repeatable")] = None,
    baselines: Annotated[Path, typer.Option(help="folder to write")] = Path("baselines"),
    cache: Cache = None,
    even_if_failed: Annotated[bool, typer.Option("--even-if-failed", help="also the evidence of recipes that gate and failed")] = False,
    as_json: Json = False,
) -> None:
    """Store the evidence of a finished run as baselines.

    Baselines with the same evidence are left as they are. A recipe that gates and failed in more than its drift is refused, so that a broken
    checkpoint does not become what later ones are compared with. Example: unicomp baselines accept gate.json
    """
    from pytest_unicomp.cli.commands import baseline_admin
    from pytest_unicomp.report.json import read
    from pytest_unicomp.store import baselines as stored

    store = stored.Baselines(baselines, baselines)
    names = [name.strip() for words in recipe or () for name in words.split(",") if name.strip()]
    answer = read(source)
    if not even_if_failed:
        baseline_admin.require_unfailed(answer, only=names)
    written = baseline_admin.accept(answer, open_store(cache), store, only=names)
    show([found.row() for found in written], as_json, ("recipe", "benchmark", "before", "path"))
    if not as_json:
        typer.echo(f"unicomp: {len(written)} baselines written; review and commit them")


def _folder(named: Path | None) -> Path:
    from pytest_unicomp.store.baselines import packaged

    if named is not None and not named.is_dir():
        raise UsageProblem(f"unicomp: --baselines {named} is not a folder; expected one that holds MODEL/RECIPE/BENCHMARK.json.")
    here = Path("baselines")
    return named or (here if here.is_dir() else packaged())


COMMANDS: Final[Mapping[str, Callable[..., None]]] = {"list": list_stored, "show": show_one, "orphans": orphans, "accept": accept}
