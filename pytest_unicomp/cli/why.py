"""`unicomp why`: which decoder blocks carry the loss of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.output import as_text, say


def why(
    source: Annotated[Path, typer.Argument(metavar="REPORT", help="JSON report of a run")],
    recipe: Annotated[str, typer.Argument(help="the recipe that lost")],
    capability: Annotated[str, typer.Argument(help="the capability that it lost, such as reasoning")],
    items: Annotated[int, typer.Option(help="at most so many items that the reference answers better")] = 32,
    passes: Annotated[
        int, typer.Option(help="at most so many evaluations of these items; groups of blocks if they are fewer than blocks")
    ] = 64,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write the report's page with the bars to this .html file")] = None,
    cache: Annotated[
        str | None, typer.Option(help="the store of that run: folder or fsspec address; if not given, the user's cache folder")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="the offline folder of the run's data and models")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one object")] = False,
) -> None:
    """Find the decoder blocks that carry a loss.

    Puts the reference's weights back into the candidate, one part at a time, and measures how much of the lost likelihood comes back on the
    items that the reference answers better. Only weights are put back: quantization of activations stays. Exit codes: 0, 4 usage, 7 a model
    or the evidence is not here any more.

    Example: unicomp why gate.json wanda-2of4 reasoning
    """
    from pytest_unicomp.cli.commands import locate
    from pytest_unicomp.cli.error_level import error_level
    from pytest_unicomp.report import html
    from pytest_unicomp.report.json import read
    from pytest_unicomp.store.shared import opened

    if output is not None and output.suffix.lower() != ".html":
        raise UsageProblem(f"unicomp: --output is {output}; expected a file with the suffix .html.")
    report = read(source)
    alpha = error_level(report)
    found = locate.located(
        report, recipe, capability.replace(" ", "_"), store=opened(cache), bundle=bundle, items=items, passes=passes, alpha=alpha
    )
    if as_json:
        typer.echo(as_text(found.model_dump(mode="json")))
    else:
        say("\n".join(locate.lines(found)))
    if output is not None:
        html.write(report, output, losses=[found])
        typer.echo(f"unicomp: wrote {output}", err=as_json)
