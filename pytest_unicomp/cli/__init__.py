"""The command `unicomp`: the gate, the catalogue and everything about reports, for people and scripts that do not want to type pytest."""

from __future__ import annotations

import sys
from typing import Any

import typer

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, one_line
from pytest_unicomp.cli import files, items, listing, machine, reports
from pytest_unicomp.cli import gate as running
from pytest_unicomp.cli.gate import pytest_arguments as pytest_arguments
from pytest_unicomp.cli.gate import reported as reported

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
# What stands behind the model comes as it was typed, `--` included.
VERBATIM = {**PASS_ON, "allow_interspersed_args": False}
COMMANDS = (
    reports.report,
    reports.verify,
    reports.diff,
    reports.score,
    items.compare,
    items.selftest,
    items.judge,
    files.check_artifact,
    files.prefetch,
    listing.methods,
    listing.benchmarks,
    machine.doctor,
)
# Commands of two words.
GROUPS = {
    "cache": ("the store: list, size, verify, prune, clear", "cache_"),
    "baselines": ("stored evidence: list, show, orphans, accept", "baselines_"),
}


def application() -> typer.Typer:
    """Put the commands together; each is a function whose docstring is its help."""
    made = typer.Typer(
        add_completion=False, no_args_is_help=True, help="Release gate for compressed language models.", rich_markup_mode=None
    )
    made.command(context_settings=VERBATIM, epilog=running.option_lines())(running.gate)
    made.command(context_settings=PASS_ON)(running.plan)
    for command in COMMANDS:
        made.command()(command)
    for name, (text, prefix) in GROUPS.items():
        group = typer.Typer(no_args_is_help=True, help=f"Look after {text}.", rich_markup_mode=None)
        for word, command in vars(machine).items():
            if word.startswith(prefix):
                group.command(word.removeprefix(prefix))(command)
        made.add_typer(group, name=name)
    return made


app = application()


def main() -> None:
    """Run the command; trouble is one line on stderr: exit code 4 for what a person can put right, 7 for what failed around us."""
    # The parser's own error; which package it lives in depends on typer's version.
    misused: Any = typer.BadParameter.__base__
    try:
        code = app(standalone_mode=False)
    except misused as error:
        where = error.ctx.command_path if error.ctx else "unicomp"
        # A command without any argument is answered with its help.
        wants_help = isinstance(error, getattr(sys.modules[misused.__module__], "NoArgsIsHelpError", ()))
        told = error.format_message()
        typer.echo(told if wants_help else f"unicomp: {one_line(told)} See `{where} --help`.", err=True)
        sys.exit(4)
    except typer.Abort:
        sys.exit(130)
    except UnicompError as error:
        typer.echo(str(error), err=True)
        sys.exit(7 if isinstance(error, InfrastructureError) else 4)
    except OSError as error:
        # A disk, a folder or a connection refused; what a user's file has wrong was told as such where it was read.
        typer.echo(f"unicomp: {one_line(error)}", err=True)
        sys.exit(7)
    sys.exit(code or 0)
