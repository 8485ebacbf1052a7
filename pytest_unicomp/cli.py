"""The command `unicomp`: the gate and the catalogue, for people and scripts that do not want to type pytest."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pytest_unicomp.errors import UnicompError, UsageProblem, nearest
from pytest_unicomp.options import Settings, default_of, flag, options

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Release gate for compressed language models.", rich_markup_mode=None)
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def main() -> None:
    """Run the command; what a person can put right is one line on stderr and exit code 4."""
    try:
        app()
    except UnicompError as error:
        typer.echo(str(error), err=True)
        sys.exit(4)


def pytest_arguments(arguments: Iterable[str]) -> list[str]:
    """Turn `--limit 20` or `--limit=20` into `--unicomp-limit=20`; what follows `--` goes to pytest as it is.

    Raises UsageProblem for an option that is neither ours nor behind `--`, and for one without its value.
    """
    known = {flag(option.name).removeprefix("--unicomp-"): flag(option.name) for option in options()} | {"config": "--unicomp-config"}
    given = list(arguments)
    result: list[str] = []
    while given:
        word = given.pop(0)
        if word == "--":
            return result + given
        name, equals, value = word.removeprefix("--").removeprefix("unicomp-").partition("=")
        if not word.startswith("--") or name not in known:
            raise UsageProblem(
                f"unicomp: {word!r} is not an option of gate.{nearest(name, known)} What is meant for pytest goes behind `--`."
            )
        if not equals and not given:
            raise UsageProblem(f"unicomp: --{name} needs a value.")
        result.append(f"{known[name]}={value if equals else given.pop(0)}")
    return result


def option_lines() -> str:
    """Return the options as help text, one paragraph each."""
    lines = []
    for option in options():
        if option.name != "model":
            default = default_of(option)
            shown = ", ".join(default) if isinstance(default, tuple) else default
            lines.append(
                f"--{flag(option.name).removeprefix('--unicomp-')}: {option.metadata['help']}" + (f" (default {shown})" if shown else "")
            )
    return "\n\n".join([*lines, "-- ARGUMENTS: passed on to pytest, for example `-- -k reasoning -n 2`"])


@app.command(context_settings=PASS_ON, epilog=option_lines())
def gate(context: typer.Context, model: Annotated[str, typer.Argument(help="hub id, folder, or `nano`")]) -> None:
    """Run the packaged suites on MODEL. Example: unicomp gate nano --recipe gptq-w4a16 --report gate.html"""
    import subprocess

    from pytest_unicomp.plugin import suites

    # A process of its own, so that pytest meets the plugin before anyone has imported it.
    command = [sys.executable, "-m", "pytest", str(suites()), f"--unicomp-model={model}", *pytest_arguments(context.args)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


@app.command()
def methods(as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False) -> None:
    """List the recipes, those of the configuration file in this folder too, and the architectures they take; `--json` says why not.

    Example: unicomp methods --json
    """
    from pytest_unicomp import recipes
    from pytest_unicomp.methods.architectures import ARCHITECTURES, support
    from pytest_unicomp.options import configuration
    from pytest_unicomp.registry import missing_libraries

    file, _ = configuration(None, (Path.cwd(),))
    rows = []
    for name, entry in recipes.table(file.get("recipes", {})).items():
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
    _show(rows, as_json, ("recipe", "family", "method", "available", "takes"))
    if not as_json:
        typer.echo(f"Architectures asked about: {', '.join(ARCHITECTURES)}. Why one is not taken: `unicomp methods --json`.")


@app.command()
def benchmarks(as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False) -> None:
    """List the benchmarks. Example: unicomp benchmarks"""
    from pytest_unicomp.registry import benchmarks as table

    names = ("dimension", "capability", "dataset", "shots", "metric", "higher_is_better", "source")
    rows = [
        {"benchmark": name, **{field: getattr(entry, field) for field in names}, "sets": list(entry.sets)}
        for name, entry in table().items()
    ]
    _show(rows, as_json, ("benchmark", "dimension", "capability", "metric", "dataset"))


@app.command(context_settings=PASS_ON)
def plan(context: typer.Context, model: str, as_json: Annotated[bool, typer.Option("--json", help="a list of objects")] = False) -> None:
    """List the cells that a gate would measure; starts nothing. Example: unicomp plan nano --recipe wanda-50"""
    from dataclasses import asdict

    from pytest_unicomp.options import configuration, resolve
    from pytest_unicomp.run import Run

    given = [argument.removeprefix("--unicomp-").split("=", 1) for argument in pytest_arguments(context.args)]
    named = next((Path(value) for name, value in given if name == "config"), None)
    file, source = configuration(named, (Path.cwd(),))
    repeatable = {option.name for option in options() if option.metadata["repeatable"]}
    flags: dict[str, Any] = {"model": model}
    for name, value in given:
        if name == "config":
            continue
        key = name.replace("-", "_")
        flags[key] = [*flags.get(key, []), value] if key in repeatable else value
    settings: Settings = resolve(flags, file, source=source)
    rows = [asdict(cell) for cell in Run(settings).plan.cells]
    _show(rows, as_json, ("recipe", "gates", "benchmark", "dimension", "capability"))


@app.command()
def report(
    source: Path, output: Annotated[list[Path], typer.Option("--output", "-o", help="file with suffix .html, .md or .json")]
) -> None:
    """Make a page from a JSON report. Example: unicomp report gate.json -o gate.html"""
    from pytest_unicomp import report as reports
    from pytest_unicomp.report.json import read

    for path in output:
        reports.validate(path)
    answer = read(source)
    for path in output:
        reports.write(answer, path)
        typer.echo(f"unicomp: wrote {path}")


def _show(rows: list[dict[str, Any]], as_json: bool, columns: tuple[str, ...]) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    widths = {column: max(len(column), *(len(_cell(row, column)) for row in rows)) for column in columns}
    typer.echo("  ".join(column.ljust(widths[column]) for column in columns))
    for row in rows:
        typer.echo("  ".join(_cell(row, column).ljust(widths[column]) for column in columns).rstrip())


def _cell(row: Mapping[str, Any], column: str) -> str:
    return str(row[column])
