"""Makes a stranger's recipe and benchmark known that raise in a method that the test names; everything else about them works."""

from __future__ import annotations

from pathlib import Path

MODULE = """
from dataclasses import dataclass

from pytest_unicomp.api.benchmark import ItemBenchmark, Scored
from pytest_unicomp.api.records import Item
from pytest_unicomp.methods.method import CompressionMethod


class Fault(RuntimeError):
    pass


def fail(*given):
    raise Fault("of a stranger,\\nin two lines")


@dataclass(frozen=True)
class Recipe(CompressionMethod):
    method = "faulty"
    family = "pruning"

    def compress(self, job):
        fail()


@dataclass(frozen=True, kw_only=True)
class Questions(ItemBenchmark):
    def identity(self, evaluation):
        return {{}}

    def score(self, engine, evaluation):
        return Scored(items=[Item(id=str(place), score=place % 2) for place in range(12)])


if "{fault}":
    owner, _, name = "{fault}".partition(".")
    setattr({{"recipe": Recipe, "benchmark": Questions}}[owner], name, fail)
RECIPES = {{"faulty": Recipe()}}
BENCHMARKS = {{"faulty": Questions(capability="knowledge", metric="accuracy", source="here")}}
{more}
"""


def install(folder: Path, fault: str = "", *, more: str = "") -> None:
    """Write the module and its metadata into a folder on the import path.

    `fault` names the method that raises ("recipe.settings"), `more` is code at the module's end.
    """
    (folder / "toy_faults_here.py").write_text(MODULE.format(fault=fault, more=more))
    metadata = folder / "toy_faults-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-faults\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[pytest_unicomp.methods]\ntoy = toy_faults_here\n[pytest_unicomp.benchmarks]\ntoy = toy_faults_here\n"
    )
