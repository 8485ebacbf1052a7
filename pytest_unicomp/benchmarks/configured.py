"""The benchmarks of a run: the registry's, those of the table `benchmarks` of the configuration file, and lm-eval tasks by name."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.benchmark import Benchmark
from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.registry import Table, benchmarks
from pytest_unicomp.api.vocabulary import CAPABILITIES, SETS
from pytest_unicomp.benchmarks import lm_eval_name
from pytest_unicomp.benchmarks.own import scorers
from pytest_unicomp.benchmarks.own.benchmark import JUDGE_TASK, QuestionFile
from pytest_unicomp.config import config_file, parsers
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.config.toml_lines import NO_FILE, Key, Keys, TomlLocations

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SCORED: Final = tuple(name for name, dimension in CAPABILITIES.items() if dimension != "efficiency")
OF_ALL: Final = ("capability", "margin")
OF_TASK: Final = ("task", "chance", "chat", *OF_ALL)
OF_FILE: Final = ("file", "scorer", "tokens", *OF_ALL)


@dataclass(frozen=True)
class _Definition:
    """One entry of the table `benchmarks`, and its place in the file."""

    name: str
    values: Mapping[str, Any]
    locations: TomlLocations

    def place(self, *keys: Key) -> str:
        return self.locations.location(config_file.BENCHMARKS, self.name, *keys)

    def problem(self, message: str, *keys: Key) -> UsageProblem:
        return UsageProblem(f"unicomp: {self.place(*keys)}: {message}")

    def require_keys(self, allowed: tuple[str, ...]) -> None:
        for key in self.values:
            if key not in allowed:
                raise self.problem(f"no setting named {key!r}; expected {', '.join(allowed)}.{nearest(key, allowed)}", key)

    def chosen(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        if key not in self.values and default is None:
            raise self.problem(f"{key} is missing; expected one of {', '.join(choices)}.")
        return parsers.choice(*choices)(self.place(key), self.values.get(key, default))


def here(asked: Sequence[str] = ()) -> Table[Benchmark]:
    """Return the registry's benchmarks, those of the configuration file in the current folder, and the lm-eval tasks in `asked`."""
    file, locations = config_file.configuration(None, (Path.cwd(),))
    return table(file.get(config_file.BENCHMARKS, {}), locations, asked=asked)


def of(settings: Settings) -> Table[Benchmark]:
    """Return the benchmarks of a run; raise UsageProblem, with file and line, for the first definition that is wrong."""
    return table(settings.benchmarks, settings.locations, asked=settings.benchmark, trusted=settings.trust_task)


def table(
    defined: Mapping[str, Any], locations: TomlLocations = NO_FILE, *, asked: Sequence[str] = (), trusted: Sequence[str] = ()
) -> Table[Benchmark]:
    """Return the registry's benchmarks and the defined ones; `locations` has the lines of the definitions. No file of questions is read."""
    known = benchmarks()
    named = [name for name in asked if name.startswith(lm_eval_name.PREFIX) and name not in defined]
    if not defined and not named:
        return known
    entries = dict(known.entries)
    for name, values in defined.items():
        entries[name] = _entry(_Definition(name, values, locations), known, trusted)
    entries |= {name: lm_eval_name.benchmark(name, trusted=trusted) for name in named}
    return Table(known.what, known.command, entries)


def with_policy(settings: Settings, known: Table[Benchmark]) -> Settings:
    """Return the settings with what the definitions add to the policy: their margins, and the must-pass items of the files that the run asks."""
    margins = {
        name: values["margin"] for name, values in settings.benchmarks.items() if "margin" in values and name not in settings.margins
    }
    must_pass = dict(settings.must_pass)
    for name in settings.benchmark:
        entry = known.entries.get(name)
        if isinstance(entry, QuestionFile) and (ids := entry.must_pass()):
            # The table holds patterns, and an id may look like one.
            must_pass[name] = tuple(dict.fromkeys((*must_pass.get(name, ()), *map(glob.escape, ids))))
    places: dict[Keys, Keys] = {("margins", name): (config_file.BENCHMARKS, name, "margin") for name in margins}
    return replace(settings, margins={**margins, **settings.margins}, must_pass=must_pass, file_keys={**places, **settings.file_keys})


def _entry(definition: _Definition, known: Table[Benchmark], trusted: Sequence[str]) -> Benchmark:
    name, values = definition.name, definition.values
    if not isinstance(values, Mapping):
        raise definition.problem(
            f'benchmark {name!r} is {values!r}; expected a table such as {{file = "questions.jsonl", scorer = "exact"}}.'
        )
    if name in known or name in SETS:
        raise definition.problem(f"benchmark {name!r} exists already, and the configuration defines it anew; choose another name.")
    if name.startswith(lm_eval_name.PREFIX) or "task" in values:
        return _of_task(definition, trusted)
    if not NAME.fullmatch(name):
        raise definition.problem(f"benchmark {name!r} has a name that cannot be a file's; use letters, digits, '-', '_' and '.'.")
    return _of_file(definition)


def _of_task(definition: _Definition, trusted: Sequence[str]) -> Benchmark:
    definition.require_keys(OF_TASK)
    values, own = definition.values, definition.name.startswith(lm_eval_name.PREFIX)
    spelling = definition.name if own else parsers.text(definition.place("task"), values["task"])
    if (own and "task" in values) or not spelling.startswith(lm_eval_name.PREFIX) or not (own or NAME.fullmatch(definition.name)):
        raise definition.problem(
            f'the task is {spelling!r}; expected task = "lm-eval:NAME" under a name of letters, digits, -, _ and .', "task"
        )
    if "margin" in values:
        parsers.margin(definition.place("margin"), values["margin"])
    made = lm_eval_name.benchmark(spelling, trusted=trusted, capability=definition.chosen("capability", SCORED, "other"))
    chance = values.get("chance", made.chance)
    if chance is not None and (isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance < 1):
        raise definition.problem(f"chance is {chance!r}; expected a number from 0 to below 1.", "chance")
    chat = parsers.switch(definition.place("chat"), values.get("chat", False))
    return replace(made, chance=chance, chance_from_options=made.chance_from_options and "chance" not in values, chat=chat)


def _of_file(definition: _Definition) -> QuestionFile:
    definition.require_keys(OF_FILE)
    values = definition.values
    if "file" not in values:
        raise definition.problem('file is missing; expected the path of the questions, such as file = "questions.jsonl".')
    scorer = definition.chosen("scorer", tuple(scorers.NEEDS))
    if "margin" in values:
        parsers.margin(definition.place("margin"), values["margin"])
    # A path in a file is relative to that file, wherever the command is typed.
    file = Path(definition.locations.path).parent / parsers.path(definition.place("file"), values["file"])
    return QuestionFile(
        file=file.resolve(),
        scored_by=scorer,
        capability=definition.chosen("capability", SCORED, "other"),
        metric="acc_norm" if scorer == scorers.CHOICE else "correct",
        tokens=parsers.whole(1)(definition.place("tokens"), values.get("tokens", QuestionFile.tokens)),
        chance=None if scorer == scorers.CHOICE else 0.0,
        judge=JUDGE_TASK if scorer == scorers.JUDGE else None,
        dataset=str(values["file"]),
        source=f"own questions, {values['file']}",
    )
