"""`unicomp gate`, which runs pytest on the packaged suites, and `unicomp plan`, which shows what that would measure."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.cli.output import Json, as_text, show
from pytest_unicomp.config.settings import Settings, flag, options

PLAN_WIDTH = 100
REPORTS = ("gate.json", "gate.html")


def pytest_arguments(arguments: Iterable[str]) -> list[str]:
    """Turn `--limit 20` or `--limit=20` into `--unicomp-limit=20`; arguments after `--` go to pytest unchanged.

    Raises UsageProblem for an unknown option before `--`, and for an option without its value.
    """
    known = {flag(option.name).removeprefix("--unicomp-"): flag(option.name) for option in options()} | {"config": "--unicomp-config"}
    switches = {flag(option.name) for option in options() if option.switch}
    given = list(arguments)
    result: list[str] = []
    while given:
        word = given.pop(0)
        if word == "--":
            return result + given
        name, equals, value = word.removeprefix("--").removeprefix("unicomp-").partition("=")
        if not word.startswith("--") or name not in known:
            raise UsageProblem(f"unicomp: {word!r} is not an option of gate.{nearest(name, known)} Arguments for pytest go after `--`.")
        if known[name] in switches:
            if equals:
                raise UsageProblem(f"unicomp: --{name} takes no value.")
            result.append(known[name])
            continue
        if not equals and not given:
            raise UsageProblem(f"unicomp: --{name} needs a value.")
        result.append(f"{known[name]}={value if equals else given.pop(0)}")
    return result


def with_default_reports(arguments: list[str], folder: Path) -> list[str]:
    """Add reports in `folder` to pytest's arguments, unless a flag or the configuration file names one or the folder is not writable."""
    from pytest_unicomp.config.config_file import configuration

    flags = [argument.partition("=")[::2] for argument in arguments]
    named = next((Path(value) for name, value in flags if name == "--unicomp-config"), None)
    if "--unicomp-report" in dict(flags) or "report" in configuration(named, (folder,))[0]:
        return arguments
    if not os.access(folder, os.W_OK):
        typer.echo(f"unicomp: {folder} is not writable, so no report is written; name one with --report.", err=True)
        return arguments
    return [f"--unicomp-report={name}" for name in REPORTS] + arguments


def option_lines() -> str:
    """Return the options as help text, one paragraph each."""
    lines = []
    for option in options():
        if option.name != "model":
            default = option.default
            shown = ", ".join(default) if isinstance(default, tuple) else default
            lines.append(f"--{flag(option.name).removeprefix('--unicomp-')}: {option.help}" + (f" (default {shown})" if shown else ""))
    return "\n\n".join([*lines, "-- ARGUMENTS: passed on to pytest, for example `-- -k reasoning -n 2`"])


def gate(context: typer.Context, model: Annotated[str, typer.Argument(help="hub id, folder, `nano` or `smollm2`")]) -> None:
    """Run the gate on MODEL.

    Runs the packaged suites. Without --report, the report is written to gate.json and gate.html in this folder.

    Example: unicomp gate nano --recipe gptq-w4a16 --report out/gate.html
    """
    import subprocess

    from pytest_unicomp.plugin.suites import suites

    here = Path.cwd()
    arguments = with_default_reports(pytest_arguments(context.args), here)
    # pytest's settings and conftest files of a surrounding project must not change a verdict.
    alone = ["-c", os.devnull, f"--rootdir={here}", f"--confcutdir={suites()}"]
    if not os.access(here, os.W_OK):
        alone += ["-p", "no:cacheprovider"]
    # A new process, so that pytest loads the plugin before anything has imported it.
    command = [sys.executable, "-m", "pytest", str(suites()), *alone, f"--unicomp-model={model}", *arguments]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


def plan(
    context: typer.Context,
    model: str,
    as_json: Json = False,
    discordance: Annotated[float | None, typer.Option(help="share of items scored differently; if not given, from stored evidence")] = None,
    drop: Annotated[float | None, typer.Option(help="true loss to detect; if not given, twice the margin")] = None,
) -> None:
    """List what a gate would measure, and its statistical power.

    Says how long it takes and which losses it can decide, and shows for each cell the smallest loss that it sees and how many items its
    margin needs; runs nothing. --json has every number.

    Example: unicomp plan nano --recipe wanda-50
    """
    from pytest_unicomp.cli.commands import plan_power
    from pytest_unicomp.config.config_file import configuration
    from pytest_unicomp.config.resolve import resolve
    from pytest_unicomp.plugin import opening
    from pytest_unicomp.run.forecast import forecast
    from pytest_unicomp.run.preflight import preflight

    given = [argument.removeprefix("--unicomp-").partition("=")[::2] for argument in pytest_arguments(context.args)]
    named = next((Path(value) for name, value in given if name == "config"), None)
    file, locations = configuration(named, (Path.cwd(),))
    repeatable = {option.name for option in options() if option.repeatable}
    flags: dict[str, Any] = {"model": model}
    for name, value in given:
        if name == "config":
            continue
        key = name.replace("-", "_")
        flags[key] = [*flags.get(key, []), value] if key in repeatable else value or True
    settings: Settings = resolve(flags, file, locations=locations)
    for name, given_share in (("--discordance", discordance), ("--drop", drop)):
        if given_share is not None and not 0 < given_share < 1:
            raise UsageProblem(f"unicomp: {name} is {given_share}; expected a share above 0 and below 1, such as 0.05.")
    found = preflight(settings)
    rows = plan_power.rows(
        found.plan.cells,
        found.baselines,
        found.plan.model,
        found.policy,
        limit=settings.limit,
        discordance=discordance,
        drop=drop,
        evaluation=found.evaluation,
    )
    if as_json:
        typer.echo(as_text(rows))
        return
    expected = forecast(found, discordance=discordance)
    said = [*opening.plan_lines(found, expected), *opening.in_words(expected), *opening.left_out(found)]
    typer.echo("\n".join([*opening.folded(said, PLAN_WIDTH), ""]))
    show(plan_power.shown(rows), False, plan_power.SHOWN)
    typer.echo("\n".join(["", *opening.folded(plan_power.summary(rows), PLAN_WIDTH)]))
