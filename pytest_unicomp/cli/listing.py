"""`unicomp methods` and `unicomp benchmarks`: what can be asked for."""

from __future__ import annotations

from typing import Annotated

import typer

from pytest_unicomp.cli.output import show


def methods(as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False) -> None:
    """List the recipes, those of the configuration file in this folder too, and the architectures they take; `--json` says why not.

    Example: unicomp methods --json
    """
    from pytest_unicomp.api.registry import missing_libraries
    from pytest_unicomp.methods.architectures import ARCHITECTURES, support
    from pytest_unicomp.methods.configured import here

    rows = []
    for name, entry in here().items():
        missing = missing_libraries(entry.requires)
        taken = support(entry)
        refused = [architecture for architecture, reason in taken.items() if reason]
        rows.append(
            {
                "recipe": name,
                "family": entry.family,
                "method": entry.method,
                "settings": entry.settings(),
                "calibrated": entry.calibrated,
                "requires": list(entry.requires),
                "available": not missing,
                "reason": f"not installed: {', '.join(missing)}" if missing else None,
                "architectures": taken,
                "takes": f"all but {', '.join(refused)}" if refused else "all",
            }
        )
    show(rows, as_json, ("recipe", "family", "method", "available", "takes"))
    if not as_json:
        typer.echo(f"Architectures asked about: {', '.join(ARCHITECTURES)}. Why one is not taken: `unicomp methods --json`.")


# What stands for a scorer where nothing is scored item by item.
HOW_MEASURED = {
    "size": "read off the artifact",
    "latency": "timed beside the reference, in alternating rounds",
    "kernel": "timed layer by layer, beside dense",
}


def benchmarks(as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False) -> None:
    """List the benchmarks. Example: unicomp benchmarks"""
    from pytest_unicomp.api.registry import benchmarks as table

    names = ("dimension", "capability", "dataset", "shots", "metric", "higher_is_better", "source")
    # What an entry need not say: null means that it has none, or that it is known after the run.
    further = ("items", "scorer", "judge", "chance")
    rows = [
        {
            "benchmark": name,
            **{field: getattr(entry, field) for field in names},
            **{field: getattr(entry, field, None) for field in further},
            **({} if entry.kind == "items" else {"scorer": HOW_MEASURED[entry.kind]}),
            "sets": list(entry.sets),
        }
        for name, entry in table().items()
    ]
    show(rows, as_json, ("benchmark", "dimension", "capability", "metric", "dataset"))
