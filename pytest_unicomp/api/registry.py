"""Finds methods and benchmarks: every module under `methods/` and `benchmarks/` that ends in a table, and the same from entry points."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, TypeVar

from pytest_unicomp.api.benchmark import Benchmark
from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.protocols import Method
from pytest_unicomp.api.vocabulary import CAPABILITIES

# Modules whose package has another name. The name of the module may belong to another package: awq is not AutoAWQ.
PACKAGES = {"auto_round": "auto-round", "awq": "autoawq", "compressed_tensors": "compressed-tensors"}


# Per kind of entry: the package, the table of its modules, and the group of entry points of other packages.
PLACES = {
    "recipe": ("pytest_unicomp.methods", "RECIPES", "pytest_unicomp.methods"),
    "mixture": ("pytest_unicomp.calibration", "MIXTURES", "pytest_unicomp.mixtures"),
    "benchmark": ("pytest_unicomp.benchmarks", "BENCHMARKS", "pytest_unicomp.benchmarks"),
}
T = TypeVar("T")


@dataclass(frozen=True)
class Table(Mapping[str, T]):
    """Names to methods or benchmarks, in a stable order; looking up an unknown name raises UsageProblem that names the nearest ones."""

    what: str
    command: str | None
    entries: Mapping[str, T]

    def __getitem__(self, name: str) -> T:
        """Return the entry, or raise UsageProblem that names the nearest ones."""
        if name not in self.entries:
            known = f"`unicomp {self.command}` lists all." if self.command else f"Known: {', '.join(self.entries)}."
            raise UsageProblem(f"unicomp: no {self.what} named {name!r}.{nearest(name, self.entries)} {known}")
        return self.entries[name]

    def __contains__(self, name: object) -> bool:
        """Return True if there is an entry of that name."""
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.entries)

    def __len__(self) -> int:
        """Count the names."""
        return len(self.entries)


def tables(what: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (module or entry point, table) of every file with a "recipe", "mixture" or "benchmark": ours in order of their names, then those of installed packages."""
    return _tables(*PLACES[what])


def _tables(package: str, attribute: str, group: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (origin, table) for every module of `package` that has the table, then for every entry point of `group`."""
    root = importlib.import_module(package)
    for module in sorted(pkgutil.walk_packages(root.__path__, package + "."), key=lambda found: found.name):
        table = getattr(importlib.import_module(module.name), attribute, None)
        if table is not None:
            yield module.name, table
    for point in sorted(entry_points(group=group), key=lambda found: found.name):
        try:
            loaded = point.load()
        except Exception as error:
            # A stranger's module may raise anything while it is imported.
            raise UsageProblem(
                f"unicomp: entry point {point.name} ({point.value}) cannot be loaded: {type(error).__name__}: {error}; "
                "correct that package, or uninstall it."
            ) from error
        yield f"entry point {point.name}", getattr(loaded, attribute, loaded)


def _collect(what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, table in tables(what):
        for name, entry in table.items():
            if name in found:
                raise UsageProblem(f"unicomp: {what} {name!r} is defined twice, in {origins[name]} and in {origin}; rename one of them.")
            if what == "benchmark":
                _require_benchmark(name, entry, origin)
            found[name], origins[name] = entry, origin
    return found


def _require_benchmark(name: str, entry: Any, origin: str) -> None:
    """Raise UsageProblem if an entry does not extend a class of `api/benchmark.py`, or has a capability whose dimension nobody states."""
    if not isinstance(entry, Benchmark):
        kind = type(entry).__name__
        raise UsageProblem(
            f"unicomp: benchmark {name!r} in {origin} is {kind}, which extends no class of benchmarks; write `class {kind}(ItemBenchmark)`, "
            "or the class of its kind, from pytest_unicomp.api.protocols."
        )
    try:
        entry.dimension  # noqa: B018 - a property that has to answer
    except KeyError:
        raise UsageProblem(
            f"unicomp: benchmark {name!r} in {origin} has the capability {entry.capability!r}, which is none of {', '.join(CAPABILITIES)}; "
            "name one of them, or give the class a `dimension`."
        ) from None


@cache
def methods() -> Table[Method]:
    """All recipes by name: a recipe is a named setting of a method."""
    return Table("recipe", "methods", _collect("recipe"))


@cache
def mixtures() -> Table[Any]:
    """All mixtures of calibration text by name; each is a `pytest_unicomp.calibration.protocol.Mixture`."""
    return Table("mixture", None, _collect("mixture"))


@cache
def benchmarks() -> Table[Benchmark]:
    """All benchmarks by name."""
    return Table("benchmark", "benchmarks", _collect("benchmark"))


def package(module: str) -> str:
    """Return the name under which a package index knows a module: what `pip install` takes."""
    return PACKAGES.get(module, module)


def missing_libraries(names: Sequence[str]) -> list[str]:
    """Return the packages of those modules in `names` that cannot be imported here; nothing is imported."""
    return [package(name) for name in names if importlib.util.find_spec(name) is None]
