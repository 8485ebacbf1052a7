"""`unicomp doctor`: what this machine can run."""

from __future__ import annotations

from typing import Annotated

import typer

from pytest_unicomp.cli.output import Json, show
from pytest_unicomp.cli.store_option import Cache, open_store


def doctor(
    cache: Cache = None,
    ask_hub: Annotated[bool, typer.Option("--ask-hub", help="contact the model hub too; without it nothing is contacted")] = False,
    as_json: Json = False,
) -> None:
    """Report what this machine can run, and how to get the rest.

    Looks at devices, kernels, formats of checkpoints, libraries, recipes, hub and disk. Exit code 1 if something is broken. Example: unicomp doctor --json
    """
    from pytest_unicomp.cli.commands.doctor import findings
    from pytest_unicomp.methods.configured import here

    found = findings(open_store(cache), here(), ask_hub=ask_hub)
    show([finding.row() for finding in found], as_json, ("about", "what", "state", "found", "action"))
    raise typer.Exit(1 if any(finding.state == "broken" for finding in found) else 0)
