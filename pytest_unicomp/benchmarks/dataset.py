"""Finds an upstream data set in an offline bundle (`<bundle>/<org>/<name>/<configuration>/`), checks that it is there, and digests it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from pytest_unicomp.api.errors import MissingPiece, UsageProblem, nearest
from pytest_unicomp.api.registry import missing_libraries
from pytest_unicomp.store.file_digests import file_digest

# The files that `datasets` reads without running a script.
DATA = (".parquet", ".jsonl", ".json", ".csv", ".tsv", ".txt", ".arrow", ".gz", ".zst")


def resolve(dataset: str, bundle: Path | None) -> str:
    """Return the `path` argument of `datasets.load_dataset`: the data set's folder in the bundle, or its hub id if `bundle` is None."""
    return dataset if bundle is None else str((bundle / dataset).resolve())


def require(dataset: str, configurations: Sequence[str], bundle: Path | None) -> None:
    """Raise MissingPiece that names what the bundle lacks and what is nearest to it; without a bundle nothing is checked."""
    if bundle is None:
        return
    folder = bundle / dataset
    if not folder.is_dir():
        present = sorted(f"{found.parent.name}/{found.name}" for found in bundle.glob("*/*") if found.is_dir())
        raise MissingPiece(dataset, where=str(folder), near=nearest(dataset, present))
    for configuration in configurations:
        if not present_configuration(folder, configuration):
            near = nearest(configuration, [found.name for found in folder.iterdir() if found.is_dir()])
            raise MissingPiece(f"{dataset}, configuration {configuration}", where=str(folder / configuration), near=near)


def require_libraries(benchmark: str, modules: Sequence[str], install: str) -> None:
    """Raise UsageProblem that names the packages which a benchmark imports and which are not installed, and what to type."""
    if missing := missing_libraries(modules):
        raise UsageProblem(f"unicomp: benchmark {benchmark} needs {', '.join(missing)}, not installed here; pip install {install}.")


def present_configuration(folder: Path, configuration: str) -> bool:
    """Return True if a data set's folder has the files of a configuration: those that its README names, else a folder of that name."""
    named = data_files(folder / "README.md", configuration)
    if named:
        return all(any(folder.glob(pattern)) for pattern in named)
    if configuration == "default":
        return any(found.suffix in DATA for found in folder.rglob("*"))
    return any((folder / configuration).glob("*.*"))


def data_files(readme: Path, configuration: str) -> tuple[str, ...]:
    """Return the patterns of the files of a configuration that the front matter of the data set's README lists; empty if it lists none."""
    import yaml

    # Ten times as fast as yaml.safe_load, where PyYAML was built with it: a page may list hundreds of configurations.
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        front = yaml.load(readme.read_text(encoding="utf-8").split("---")[1], Loader=loader)
    except (OSError, IndexError, yaml.YAMLError):
        return ()
    patterns: list[str] = []
    for entry in (front or {}).get("configs") or []:
        if entry.get("config_name") == configuration:
            given = entry.get("data_files") or []
            for part in [given] if isinstance(given, str) else given:
                paths = part["path"] if isinstance(part, dict) else part
                patterns += [paths] if isinstance(paths, str) else paths
    # The page comes with the data and is not trusted: a pattern must stay within its own folder.
    return tuple(pattern for pattern in patterns if "://" not in pattern and not pattern.startswith("/") and ".." not in pattern.split("/"))


def digest(dataset: str, configurations: Sequence[str], bundle: Path | None) -> str:
    """Return 16 hex digits of the sha256 over names and contents of the files used, or "hub:<name>" if they come from the hub.

    The data set's README is one of them: it says which files are read, and what their columns mean.
    """
    if bundle is None:
        return f"hub:{dataset}"
    folder = bundle.resolve() / dataset
    return _of_files(folder, (folder / "README.md", *_files(folder, configurations)))


def digest_of_all(dataset: str, bundle: Path) -> str:
    """Return 16 hex digits of the sha256 over names and contents of all files of a data set in a bundle; of none if it is not there."""
    folder = bundle.resolve() / dataset
    return _of_files(folder, folder.rglob("*"))


def _of_files(folder: Path, files: Iterable[Path]) -> str:
    found = sorted({file for file in files if file.is_file()})
    stamps = ((file, file.stat()) for file in found)
    return _digest(folder, tuple((file, stamp.st_size, stamp.st_mtime_ns, stamp.st_ctime_ns) for file, stamp in stamps))


def _files(folder: Path, configurations: Sequence[str]) -> Iterator[Path]:
    for configuration in configurations:
        named = data_files(folder / "README.md", configuration)
        for pattern in named:
            yield from folder.glob(pattern)
        yield from (folder / configuration).rglob("*")
        if configuration == "default" and not named:
            yield from (file for file in folder.rglob("*") if file.suffix in DATA)


@cache
def _digest(folder: Path, files: tuple[tuple[Path, int, int, int], ...]) -> str:
    """Hash the files; each is given with its size and times, so that one process sees that a file was changed."""
    total = hashlib.sha256()
    for file, *_ in files:
        total.update(f"{file.relative_to(folder).as_posix()} {file_digest(file)}\n".encode())
    return total.hexdigest()[:16]
