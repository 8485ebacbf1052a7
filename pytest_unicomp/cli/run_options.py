"""The options of a run as help text, grouped, and as arguments of pytest."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from pytest_unicomp.api.errors import UsageProblem, nearest

if TYPE_CHECKING:
    from pytest_unicomp.config.option import Option

# The column at which help begins, and the largest width of the whole.
INDENT, WIDEST = 30, 100
# An option that none of these names is in the last group.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "What is judged": ("recipe", "inform", "candidate"),
    "On what": ("benchmark", "limit", "seed", "sequential", "must_pass"),
    "What is accepted": ("profile", "margin", "benchmark_margin", "drift_margin", "alpha", "inconclusive", "drift", "baselines", "update"),
    "Calibration": ("calibration", "calibration_samples", "calibration_tokens", "calibration_form", "calibration_target"),
    "Where it runs, and with what": ("device", "dtype", "executor", "address", "bundle", "cache"),
    "What evaluates": ("backend", "backend_candidate", "serve", "serve_candidate", "reference", "key_variable"),
    "Generation": ("template_arg", "think_end_token", "max_gen_toks", "sampling", "replies"),
    "Free replies": ("scoring", "judge", "similarity", "response_length", "temperature", "run_code"),
    "Report": ("report",),
}
OTHERS: Final = "Others"
METAVARS: Final[Mapping[str, str]] = {
    "candidate": "PLACE,...",
    "report": "FILE,...",
    "cache": "DIR",
    "bundle": "DIR",
    "baselines": "DIR",
    "limit": "N",
    "seed": "N",
    "serve": "COMMAND",
    "serve_candidate": "COMMAND",
    "key_variable": "VARIABLE",
    "reference": "run|stored|URL",
    "inconclusive": "fail|warn",
    "drift": "auto|on|off",
    "scoring": "corrected|paper",
    "template_arg": "KEY=VALUE",
    "think_end_token": "TEXT",
    "max_gen_toks": "N|model",
    "sampling": "benchmark|model",
    "replies": "N",
    "calibration_form": "equal|own",
    "executor": "local|process|ray",
    "backend": "hf|server|...",
    "backend_candidate": "BACKEND",
}


def pytest_arguments(arguments: Iterable[str]) -> list[str]:
    """Turn `--limit 20` or `--limit=20` into `--unicomp-limit=20`; arguments after `--` go to pytest unchanged.

    Raises UsageProblem for an unknown option before `--`, and for an option without its value.
    """
    from pytest_unicomp.config.settings import flag, options

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


def option_lines() -> str:
    """Return the options as help text: one table per group, each option with the kind of its value and its default."""
    from pytest_unicomp.config.settings import options

    named = {name for names in GROUPS.values() for name in names}
    rest = tuple(option.name for option in options() if option.name not in named and option.name != "model")
    groups = {**GROUPS, OTHERS: rest}
    by_name = {option.name: option for option in options()}
    parts = []
    for title, names in groups.items():
        rows = [_row(by_name[name]) for name in names if name in by_name]
        rows += [_text("--config FILE", "read options from this file instead of unicomp.toml")] if title == OTHERS else []
        # The mark keeps the lines as they are.
        parts.append("\b\n" + "\n".join([f"{title}:", *rows]))
    return "\n\n".join([*parts, "\b\n" + _text("-- ARGUMENTS", "passed on to pytest, for example `-- -k reasoning -n 2`")])


def _row(option: Option) -> str:
    kind = "" if option.switch else f" {_metavar(option)}"
    default = option.default
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
    return _text(
        f"--{option.name.replace('_', '-')}{kind}", option.help + (f" [default: {shown}]" if shown not in (None, "", False) else "")
    )


def _metavar(option: Option) -> str:
    if option.name in METAVARS:
        return METAVARS[option.name]
    if option.repeatable:
        return "NAME,..."
    return "N" if isinstance(option.default, int | float) or "int" in option.annotation else "NAME"


def _text(name: str, text: str) -> str:
    # The command indents its closing text by two.
    width = min(WIDEST, max(60, shutil.get_terminal_size((WIDEST, 24)).columns - 2))
    lines = textwrap.wrap(text, width - INDENT, break_on_hyphens=False)
    first = f"  {name}".ljust(INDENT)
    head = [first + lines[0]] if len(first) == INDENT else [first, " " * INDENT + lines[0]]
    return "\n".join([*head, *(" " * INDENT + line for line in lines[1:])])
