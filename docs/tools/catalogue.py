"""Writes the sections of docs/ that describe each recipe, benchmark and command, from what the program says of them, and shows the examples."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest_unicomp
from pytest_unicomp.api.protocols import Benchmark, ItemBenchmark
from pytest_unicomp.api.registry import methods, tables
from pytest_unicomp.config.profiles import PROFILES
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.methods.architectures import support

# Of the lines of a page.
WIDTH = 120


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *[[cell.replace("|", "\\|") for cell in row] for row in rows]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def recipe_sections() -> str:
    """One section per method: what its module and its class say, then its recipes with their settings."""
    kinds: dict[type, list[str]] = {}
    for name, method in methods().items():
        kinds.setdefault(type(method), []).append(name)
    sections = []
    for kind, names in kinds.items():
        first = methods()[names[0]]
        facts = [
            f"Family: {first.family}. Calibration text: {'yes' if first.calibrated else 'no'}. "
            f"Libraries: {', '.join(first.requires) or 'none'}. {_architectures(first)}"
        ]
        rows = [(f"`{name}`", settings_text(methods()[name].settings())) for name in names]
        texts = [
            _prose(sys.modules[kind.__module__].__doc__),
            _prose(inspect.getdoc(kind)),
            *map(wrapped, facts),
            table(("recipe", "settings"), rows),
        ]
        sections.append("\n\n".join([f"## {first.method}", *texts]))
    return "\n".join(sections)


def _architectures(method: Any) -> str:
    refused = [architecture for architecture, reason in support(method).items() if reason]
    return f"Takes all architectures asked about but {', '.join(refused)}." if refused else "Takes all architectures asked about."


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings in one line, numbers to four digits; "none" where there are none."""
    return ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in settings.items()) or "none"


def benchmark_sections() -> str:
    """One section per file with a table of benchmarks: what the file says of the data and a row of it, then its benchmarks."""
    sections = []
    for origin, found in tables("benchmark"):
        # What is installed beside the package is not part of its documentation.
        if not origin.startswith("pytest_unicomp."):
            continue
        text = _prose(sys.modules[origin].__doc__)
        rows = [
            (
                f"`{name}`",
                entry.capability,
                f"{entry.metric}, {'higher' if entry.higher_is_better else 'lower'} is better",
                *_scoring(entry),
                entry.source,
            )
            for name, entry in found.items()
        ]
        heading = origin.removeprefix("pytest_unicomp.benchmarks.")
        head = ("benchmark", "capability", "metric", "items", "chance", "how an item is scored", "judge", "source")
        filled = [place for place in range(len(head)) if any(row[place] for row in rows)]
        shown = table((head[place] for place in filled), ([row[place] for place in filled] for row in rows))
        sections.append("\n\n".join([f"## {heading}", text, shown]))
    return "\n".join(sections)


def _scoring(entry: Benchmark) -> tuple[str, str, str, str]:
    """Return items, chance, scorer and judge as they stand in a row; blank if nothing is scored item by item."""
    if not isinstance(entry, ItemBenchmark):
        return "", "", "", ""
    return _number(entry.items), _number(entry.chance), entry.scorer, entry.judge or ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def _prose(text: str | None) -> str:
    """Return a docstring as Markdown, wrapped: what would be read as markup is escaped, but for what is between backticks."""
    parts = inspect.cleandoc(text or "").split("`")
    escaped = "`".join(part if place % 2 else part.replace("*", "\\*").replace("<", "&lt;") for place, part in enumerate(parts))
    return "\n\n".join(wrapped(paragraph) for paragraph in escaped.split("\n\n"))


def wrapped(paragraph: str) -> str:
    """Return a paragraph in lines of at most WIDTH; unchanged if it is a list or code, or if a line would begin like a list."""
    lines = textwrap.wrap(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)
    special = re.compile(r"( |[-+*#>|] |\d+[.)] )")
    return paragraph if any(map(special.match, (*lines, *paragraph.splitlines()))) else "\n".join(lines)


def command_sections() -> str:
    """One section per command of `unicomp`: its help, then its arguments and options."""
    import typer

    from pytest_unicomp.cli import app

    group: Any = typer.main.get_command(app)
    return "\n".join(_command(name, command) for name, command in commands(group))


def commands(group: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Return the commands by name, those of a group of commands by both words."""
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} ")
        else:
            yield prefix + name, command


def _command(name: str, command: Any) -> str:
    words = [f"unicomp {name}"]
    rows = []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            shown = (parameter.metavar or parameter.name).upper()
            words.append(shown if parameter.required else f"[{shown}]")
            rows.append((f"`{shown}`", getattr(parameter, "help", None) or "", ""))
            continue
        default = parameter.default
        kept = str(default) if isinstance(default, str | int | float) and not isinstance(default, bool) else ""
        rows.append((", ".join(f"`{option}`" for option in parameter.opts), getattr(parameter, "help", None) or "", kept))
    words.append("[OPTIONS]")
    parts = [f"## unicomp {name}", f"    {' '.join(words)}", *_help(command.help)]
    if rows:
        parts.append(table(("argument or option", "meaning", "default"), rows).rstrip("\n"))
    if command.context_settings.get("ignore_unknown_options"):
        parts.append("It takes all [options of a run](options.md), as `--NAME`.")
    return "\n\n".join(parts) + "\n"


def _help(text: str | None) -> Iterable[str]:
    """Yield what a command's help says, and its examples as code."""
    prose, _, examples = re.sub(r"\bExamples?: ", "\0", text or "", count=1).partition("\0")
    yield _prose(prose.strip())
    if examples:
        yield "\n".join(f"    {line.strip()}" for line in examples.rstrip(".\n").replace(";", "\n").splitlines() if line.strip())


def module_list() -> str:
    """One section per folder of the package, one line per module: the sentence that its file opens with."""
    root = Path(pytest_unicomp.__file__).parent
    folders: dict[Path, list[Path]] = {}
    for path in sorted(root.rglob("*.py")):
        folders.setdefault(path.parent, []).append(path)
    sections = []
    for folder, files in folders.items():
        heading = "/".join(("pytest_unicomp", *folder.relative_to(root).parts))
        rows = [(f"`{path.name}`", _first_sentence(path)) for path in files if path.name != "__init__.py"]
        opening = _first_sentence(folder / "__init__.py") if (folder / "__init__.py") in files else ""
        parts = [f"## {heading}", opening, table(("module", "what it is for"), rows) if rows else ""]
        sections.append("\n\n".join(part for part in parts if part).rstrip("\n") + "\n")
    return "\n".join(sections)


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(_prose(text).split("\n\n")[0].split())


def shown(file: str, language: str) -> Callable[[], str]:
    """Return what shows a file of the repository, whole, as a fenced block."""

    def section() -> str:
        text = (Path(__file__).parents[2] / file).read_text(encoding="utf-8").strip("\n")
        return f"```{language}\n{text}\n```\n"

    return section


def profiles_table() -> str:
    """One row per built-in profile: what it sets of what decides."""
    rows = []
    for name in PROFILES:
        settings = resolve({"profile": name})
        items = "all" if settings.limit is None else f"{settings.limit:,}"
        undecided = {"fail": "fails", "warn": "warns"}[settings.inconclusive]
        drift = {"auto": "where a baseline exists", "on": "always", "off": "never"}[settings.drift]
        rows.append(
            (
                f"`{name}`",
                items,
                f"{100 * float(settings.margin):g} points",
                undecided,
                drift,
                ", ".join(f"`{recipe}`" for recipe in settings.recipe),
            )
        )
    return table(("profile", "items per benchmark", "capability margin", "undecided", "drift", "recipes unless named"), rows)


SECTIONS: Mapping[str, Callable[[], str]] = {
    "recipe-sections": recipe_sections,
    "benchmark-sections": benchmark_sections,
    "command-sections": command_sections,
    "profiles": profiles_table,
    "github-actions": shown("examples/github-actions.yml", "yaml"),
    "gitlab-ci": shown("examples/gitlab-ci.yml", "yaml"),
    "as-a-library": shown("examples/as_a_library.py", "python"),
    "extension": shown("examples/extension/pyproject.toml", "toml"),
    "extension-method": shown("examples/extension/unicomp_low_rank.py", "python"),
    "extension-benchmark": shown("examples/extension/unicomp_own_questions.py", "python"),
}
