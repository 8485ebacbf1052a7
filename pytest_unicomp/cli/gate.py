"""`unicomp gate`, which runs pytest on the packaged suites, and `unicomp plan`, which shows what that would measure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.output import Json, as_text, show
from pytest_unicomp.cli.run_options import pytest_arguments

if TYPE_CHECKING:
    from pytest_unicomp.config.settings import Settings

PLAN_WIDTH = 100
REPORTS = ("gate.json", "gate.html")


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


Model = Annotated[str | None, typer.Argument(help="hub id, folder, `nano` or `smollm2`; if not given, `model` of the configuration file")]


def with_model(model: str | None, others: list[str], folder: Path) -> tuple[str, list[str]]:
    """Return the model and pytest's arguments; without a model on the command line it is that of the configuration file.

    Raises UsageProblem if neither names one.
    """
    from pytest_unicomp.config.config_file import configuration

    # The parser takes an option that it does not know for the model.
    given = model is not None and not model.startswith("-")
    arguments = pytest_arguments(others if given or model is None else [model, *others])
    if given and model is not None:
        return model, arguments
    named = next((Path(word.partition("=")[2]) for word in arguments if word.startswith("--unicomp-config=")), None)
    found = configuration(named, (folder,))[0].get("model")
    if not isinstance(found, str):
        raise UsageProblem("unicomp: no model: give one, as in `unicomp gate nano`, or `model = ...` in unicomp.toml.")
    return found, arguments


def gate(context: typer.Context, model: Model = None) -> None:
    """Run the gate on MODEL.

    Runs the packaged suites. Without --report, the report is written to gate.json and gate.html in this folder.

    Example: unicomp gate nano --recipe gptq-w4a16 --report out/gate.html
    """
    from pytest_unicomp.cli.commands.gate_process import ended_with
    from pytest_unicomp.plugin.suites import suites

    here = Path.cwd()
    model, given = with_model(model, context.args, here)
    arguments = with_default_reports(given, here)
    # pytest's settings and conftest files of a surrounding project must not change a verdict.
    alone = ["-c", os.devnull, f"--rootdir={here}", f"--confcutdir={suites()}"]
    if not any(word.startswith(("-v", "--verbose")) for word in arguments):
        # What it says of this machine is in the first lines of the run, and in the report.
        alone += ["--no-header"]
    if not os.access(here, os.W_OK):
        alone += ["-p", "no:cacheprovider"]
    raise typer.Exit(ended_with([str(suites()), *alone, f"--unicomp-model={model}", *arguments]))


def plan(
    context: typer.Context,
    model: Model = None,
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
    from pytest_unicomp.plugin import opening
    from pytest_unicomp.run.expected_memory import expected_memory
    from pytest_unicomp.run.forecast import forecast
    from pytest_unicomp.run.preflight import preflight
    from pytest_unicomp.run.reply_forecast import undecidable_limits
    from pytest_unicomp.store.baselines import BaselinesReadOnce

    model, arguments = with_model(model, context.args, Path.cwd())
    settings = _settings(model, arguments)
    for name, given_share in (("--discordance", discordance), ("--drop", drop)):
        if given_share is not None and not 0 < given_share < 1:
            raise UsageProblem(f"unicomp: {name} is {given_share}; expected a share above 0 and below 1, such as 0.05.")
    found = preflight(settings)
    stored = BaselinesReadOnce.of(found.baselines)
    found = replace(found, baselines=stored)
    rows = plan_power.rows(
        found.plan.cells,
        found.baselines,
        found.plan.model,
        found.policy,
        limit=settings.limit,
        discordance=discordance,
        drop=drop,
        evaluation=found.evaluation,
        table=found.plan.table,
    )
    if as_json:
        for note in stored.notes:
            typer.echo(f"unicomp: {note}", err=True)
        typer.echo(as_text(rows))
        return
    expected = forecast(found, discordance=discordance)
    said = [
        *opening.plan_lines(found, expected),
        *opening.memory_lines(expected_memory(found)),
        *opening.in_words(expected),
        *undecidable_limits(found),
        *opening.left_out(found),
        *stored.notes,
    ]
    typer.echo("\n".join([*opening.folded(said, PLAN_WIDTH), ""]))
    show(plan_power.shown(rows), False, plan_power.SHOWN)
    typer.echo("\n".join(["", *opening.folded(plan_power.summary(rows), PLAN_WIDTH)]))


def _settings(model: str, arguments: Sequence[str]) -> Settings:
    """Return the settings of a run that would be given these flags of pytest; raise UsageProblem for the first wrong value."""
    from pytest_unicomp.config.config_file import configuration
    from pytest_unicomp.config.resolve import resolve
    from pytest_unicomp.config.settings import options

    given = [argument.removeprefix("--unicomp-").partition("=")[::2] for argument in arguments]
    named = next((Path(value) for name, value in given if name == "config"), None)
    file, locations = configuration(named, (Path.cwd(),))
    repeatable = {option.name for option in options() if option.repeatable}
    flags: dict[str, Any] = {"model": model}
    for name, value in given:
        if name == "config":
            continue
        key = name.replace("-", "_")
        flags[key] = [*flags.get(key, []), value] if key in repeatable else value or True
    return resolve(flags, file, locations=locations)
