"""Finds lm-eval's packaged tasks, groups and tags by name and reads their YAML as data: no function that it names is imported, no template runs."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem, nearest, one_line
from pytest_unicomp.api.foreign import ForeignFile, read_text

LARGEST: Final = 4 << 20
# The keys of a group within the file of another one that say nothing of how its tasks are asked.
GROUP: Final = frozenset(("group", "group_alias", "task", "aggregate_metric_list", "metadata"))
INCLUDE: Final = re.compile(r"""^["']?include["']?\s*:\s*["']?([^\s"'#]+)""", re.MULTILINE)


@dataclass(frozen=True)
class Function:
    """A Python function that a YAML names, `utils.process_docs`; it is not imported."""

    name: str


@dataclass(frozen=True)
class TaskFile:
    """The YAML of one task: its place, and its settings with those that it includes."""

    path: Path
    settings: Mapping[str, Any]


def packaged(name: str) -> list[TaskFile]:
    """Return the files of a task, or of all tasks of a group or tag, each once; raise UsageProblem if lm-eval has nothing of that name."""
    found = list(_members(name, ()))
    return list({one.path: one for one in found}.values())


def read(path: Path) -> dict[str, Any]:
    """Return the settings of a YAML with those of the files that it includes, its own winning; raise UsageProblem if it cannot be read."""
    return dict(_read(path, ()))


def included(path: Path) -> list[Path]:
    """Return a YAML and the files that it includes, and those that they include, each once; raise UsageProblem if one cannot be read."""
    path = path.resolve()
    own = _settings(path)
    return list(dict.fromkeys((path, *(inner for place in _includes(path, own) for inner in included(place)))))


def _members(name: str, outer: tuple[str, ...]) -> Iterator[TaskFile]:
    entry = _entry(name)
    if entry is not None and "group" not in entry.settings:
        yield entry
        return
    members: Any = [one.settings["task"] for one in _tagged(name)] if entry is None else entry.settings.get("task") or []
    if not members:
        shown = f"{name}, which {outer[-1]} lists" if outer else name
        raise UsageProblem(f"unicomp: lm-eval has no task, group or tag {shown!r}.{nearest(name, _names())}")
    yield from _listed(members, name, outer)


def _listed(members: Any, name: str, outer: tuple[str, ...]) -> Iterator[TaskFile]:
    """Yield the tasks that a group lists: by their names, or in groups that stand in its own file."""
    for member in [members] if isinstance(members, str) else members:
        if isinstance(member, dict) and "group" in member and set(member) <= GROUP:
            yield from _listed(member.get("task") or [], name, outer)
            continue
        changed = not isinstance(member, str)
        if changed and set(member) != {"task"}:
            raise UsageProblem(
                f"unicomp: the lm-eval group {name} changes settings of its tasks ({', '.join(map(str, member))}); name the tasks themselves."
            )
        yield from _members(str(member["task"] if isinstance(member, dict) else member), (*outer, name))


def _entry(name: str) -> TaskFile | None:
    """Return the task or group of a name, None if there is none."""
    stated = re.compile(rf"""^["']?(?:task|group)["']?\s*:\s*["']?{re.escape(name)}["']?\s*(?:#.*)?$""", re.MULTILINE)
    for path, text in _texts():
        if name in text and stated.search(text):
            settings = read(path)
            if settings.get("group", settings.get("task")) == name:
                return TaskFile(path, settings)
    return None


def _tagged(name: str) -> list[TaskFile]:
    """Return the tasks whose file names a tag."""
    found = []
    for path, text in _texts():
        # A tag may come from a file that is included, which itself need not end in .yaml.
        included = [path.parent / place for place in INCLUDE.findall(text)]
        if (name in text and "tag" in text) or any(name in _text(place) for place in included):
            settings = read(path)
            tags = settings.get("tag") or []
            if name in ([tags] if isinstance(tags, str) else tags) and isinstance(settings.get("task"), str):
                found.append(TaskFile(path, settings))
    return found


def _names() -> list[str]:
    stated = re.compile(r"""^["']?(?:task|group)["']?\s*:\s*["']?([\w.-]+)["']?\s*(?:#.*)?$""", re.MULTILINE)
    return sorted({name for _, text in _texts() for name in stated.findall(text)})


def root() -> Path:
    """Return the folder of lm-eval's tasks; lm-eval itself is not imported, which takes seconds."""
    found = importlib.util.find_spec("lm_eval")
    if found is None or not found.submodule_search_locations:
        raise UsageProblem("unicomp: lm-eval is not installed here; pip install lm-eval.")
    return Path(next(iter(found.submodule_search_locations))) / "tasks"


@cache
def _texts() -> tuple[tuple[Path, str], ...]:
    """Return path and text of every YAML of lm-eval, in the order in which it indexes them: the first of two with one name is used."""
    found = [Path(folder) / name for folder, _, names in os.walk(root()) for name in names if name.endswith(".yaml")]
    return tuple((path, path.read_text(encoding="utf-8", errors="replace")) for path in sorted(found, key=Path.as_posix))


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _read(path: Path, outer: tuple[Path, ...]) -> Mapping[str, Any]:
    path = path.resolve()
    if path in outer:
        raise UsageProblem(f"unicomp: {path} includes itself; expected a YAML without a circle.")
    settings = _settings(path)
    merged: dict[str, Any] = {}
    for place in _includes(path, settings):
        merged |= _read(place, (*outer, path))
    return {**merged, **{key: value for key, value in settings.items() if key != "include"}}


def _settings(path: Path) -> Mapping[str, Any]:
    return _parsed(path, path.stat().st_mtime_ns if path.is_file() else 0)


def _includes(path: Path, settings: Mapping[str, Any]) -> list[Path]:
    """Return the files that a YAML includes itself; raise UsageProblem if `include` is neither a path nor a list of paths."""
    named = settings.get("include", [])
    places = [named] if isinstance(named, str) else named
    if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
        raise UsageProblem(f"unicomp: {path} includes {str(named)[:60]!r}; expected the path of a YAML file, or a list of paths.")
    return [path.parent / place for place in places]


@lru_cache(maxsize=20_000)
def _parsed(path: Path, changed: int) -> Mapping[str, Any]:
    import yaml

    try:
        found = yaml.load(read_text(path, LARGEST), Loader=_loader())
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageProblem(f"unicomp: {path} is no YAML ({one_line(error, longest=160)}); expected an lm-eval task.") from error
    except ForeignFile as error:
        raise UsageProblem(f"unicomp: the lm-eval task {path} cannot be used: it {error.found}; expected a YAML file.") from error
    if not isinstance(found, Mapping):
        raise UsageProblem(f"unicomp: {path} holds {type(found).__name__}; expected the settings of an lm-eval task, such as task: NAME.")
    return found


@cache
def _loader() -> Any:
    import yaml

    base: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    made: Any = type("TaskLoader", (base,), {})
    made.add_constructor("!function", lambda loader, node: Function(str(loader.construct_scalar(node))))
    return made
