"""The command `unicomp`: the gate and everything around it, for people and scripts that do not call pytest themselves."""

from __future__ import annotations

import importlib.metadata
import io
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from pytest_unicomp.api.errors import InfrastructureError, UnicompError, one_line
from pytest_unicomp.api.unforeseen import EXIT_CODE, unforeseen
from pytest_unicomp.cli import baselines, cache, files, items, listing, rankings, reports
from pytest_unicomp.cli.doctor import doctor
from pytest_unicomp.cli.gate import gate, plan
from pytest_unicomp.cli.run_options import option_lines
from pytest_unicomp.cli.study import study
from pytest_unicomp.cli.why import why

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
# Everything after the model is passed on as it was typed, `--` included.
VERBATIM = {**PASS_ON, "allow_interspersed_args": False}
COMMANDS = (
    reports.report,
    reports.sign,
    reports.verify,
    reports.diff,
    reports.score,
    rankings.compare_recipes,
    why,
    study,
    items.compare,
    items.selftest,
    items.judge,
    files.check_artifact,
    files.prefetch,
    listing.methods,
    listing.benchmarks,
    doctor,
)
# Commands of two words.
GROUPS: Mapping[str, tuple[str, Mapping[str, Callable[..., None]]]] = {
    "cache": ("Manage the store: list, size, verify, prune, clear.", cache.COMMANDS),
    "baselines": ("Manage baselines: list, show, orphans, accept.", baselines.COMMANDS),
}


class GateCommand(TyperCommand):
    """The command `gate`, whose help lists the options of a run; they are imported only if that help is asked for."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the options below the help."""
        self.epilog = option_lines()
        super().format_epilog(ctx, formatter)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pytest-unicomp {importlib.metadata.version('pytest-unicomp')}")
        raise typer.Exit()


def application() -> typer.Typer:
    """Return the application; each command is a function, and its docstring is the help text."""
    made = typer.Typer(
        add_completion=False, no_args_is_help=True, help="Release gate for compressed language models.", rich_markup_mode=None
    )
    made.callback()(about)
    made.command(context_settings=VERBATIM, cls=GateCommand)(gate)
    made.command(context_settings=PASS_ON)(plan)
    for command in COMMANDS:
        made.command()(command)
    for name, (text, commands) in GROUPS.items():
        group = typer.Typer(no_args_is_help=True, help=text, rich_markup_mode=None)
        for word, function in commands.items():
            group.command(word)(function)
        made.add_typer(group, name=name)
    return made


def about(
    version: Annotated[bool, typer.Option("--version", help="print the version and end", is_eager=True, callback=_print_version)] = False,
) -> None:
    """Release gate for compressed language models."""


app = application()


def main() -> None:
    """Run the command. An error is one line on stderr, with exit code 4 if the user can correct the input and 7 if the environment failed.

    What nobody foresaw is 7 as well; its trace goes to a file.
    """
    # A terminal that lacks a character shows its code instead; no name or reply may break a command.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    # The parser's error class; its package depends on typer's version.
    misused: Any = typer.BadParameter.__base__
    try:
        code = app(standalone_mode=False)
    except misused as error:
        command = error.ctx.command_path if error.ctx else "unicomp"
        # A command without arguments prints its help.
        wants_help = isinstance(error, getattr(sys.modules[misused.__module__], "NoArgsIsHelpError", ()))
        message = error.format_message()
        typer.echo(message if wants_help else f"unicomp: {one_line(message)} See `{command} --help`.", err=True)
        sys.exit(4)
    except typer.Abort:
        sys.exit(130)
    except UnicompError as error:
        typer.echo(str(error), err=True)
        sys.exit(7 if isinstance(error, InfrastructureError) else 4)
    except OSError as error:
        # A disk, folder or connection failed; mistakes in a user's file are UnicompErrors of the code that read it.
        typer.echo(f"unicomp: {one_line(error)}", err=True)
        sys.exit(7)
    except Exception as error:  # noqa: BLE001 - Python itself would end with 1, which reads as FAIL
        typer.echo(unforeseen(error), err=True)
        sys.exit(EXIT_CODE)
    sys.exit(code or 0)
