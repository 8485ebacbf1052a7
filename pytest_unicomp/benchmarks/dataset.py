"""Finds an upstream data set in an offline bundle (`<bundle>/<org>/<name>/<configuration>/`), checks that it is there, and digests it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pytest_unicomp.errors import UsageProblem, nearest


def resolve(dataset: str, bundle: Path | None) -> str:
    """Return what `datasets.load_dataset` is given: the folder in the bundle, or the hub's own name without one."""
    return dataset if bundle is None else str((bundle / dataset).resolve())


def require(benchmark: str, dataset: str, configurations: Sequence[str], bundle: Path | None) -> None:
    """Raise UsageProblem that names what the bundle lacks and what is nearest to it; without a bundle nothing is checked."""
    if bundle is None:
        return
    folder = bundle / dataset
    if not folder.is_dir():
        present = sorted(f"{found.parent.name}/{found.name}" for found in bundle.glob("*/*") if found.is_dir())
        near = nearest(dataset, present)
        raise UsageProblem(
            f"unicomp: benchmark {benchmark} needs the data set {dataset}; expected it at {folder}, which is not there.{near}"
        )
    for configuration in configurations:
        if not any((folder / configuration).glob("*.*")):
            near = nearest(configuration, [found.name for found in folder.iterdir() if found.is_dir()])
            raise UsageProblem(
                f"unicomp: benchmark {benchmark} needs {dataset}, configuration {configuration}; {folder / configuration} has no files.{near}"
            )


def digest(dataset: str, configurations: Sequence[str], bundle: Path | None) -> str:
    """Return 16 hex digits of the sha256 over names and contents of the files used, or "hub:<name>" where they come from the hub."""
    if bundle is None:
        return f"hub:{dataset}"
    return _digest(bundle.resolve() / dataset, tuple(configurations))


@cache
def _digest(folder: Path, configurations: tuple[str, ...]) -> str:
    total = hashlib.sha256()
    for configuration in sorted(configurations):
        for file in sorted((folder / configuration).rglob("*")):
            if file.is_file():
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                total.update(f"{file.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()[:16]
