"""Reads what the study has stored: measurements by recipe and benchmark, and what making each recipe took. Edited files are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.study import gold, made
from benchmarks.study.made import Made
from benchmarks.study.protocol import DENSE, FOLDER, MODEL
from pytest_unicomp.api.records import Measurement
from pytest_unicomp.store.baselines import Baselines

Measured = Mapping[str, Measurement]


@dataclass(frozen=True)
class Stored:
    """The evidence of the study: `measured[recipe][benchmark]`, and `recipes` by name."""

    folder: Path
    model: str
    measured: Mapping[str, Measured]
    recipes: Mapping[str, Made]

    @property
    def dense(self) -> Measured:
        """Return the reference's measurements by benchmark."""
        return self.measured.get(DENSE, {})

    def fingerprints(self, recipe: str) -> set[str]:
        """Return the fingerprints of the weights that the cells of a recipe are of: one, unless it was made again elsewhere."""
        return {found.artifact for found in self.measured.get(recipe, {}).values()}

    def gold(self, benchmark: str) -> gold.Gold:
        """Return the right options of a benchmark's items; empty if none are kept."""
        return gold.read(gold.file_in(self.folder, self.model, benchmark))


def read(folder: Path = FOLDER, model: str = MODEL) -> Stored:
    """Return the evidence below a folder; raise InfrastructureError for a file that was edited or copied from another recipe."""
    baselines = Baselines(folder, folder)
    found: dict[str, dict[str, Measurement]] = {}
    for path in baselines.files(model):
        kept = baselines.read(model, path.parent.name, path.stem)
        if kept is not None:
            found.setdefault(path.parent.name, {})[path.stem] = kept
    return Stored(folder, model, found, made.read(made.file_in(folder, model)))
