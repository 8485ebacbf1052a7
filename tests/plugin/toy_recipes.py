"""Makes a recipe known the way a stranger's package would: an installed distribution with an entry point."""

from __future__ import annotations

from pathlib import Path

MODULE = """
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Breaks:
    method: ClassVar[str] = "breaks"
    family: ClassVar[str] = "pruning"
    calibrated: ClassVar[bool] = False
    requires: ClassVar[tuple] = ()

    def refusal(self, config):
        return "it knows no llamas" if config["hidden_size"] == 128 else None

    def settings(self):
        return {}

    def compress(self, job):
        (job.destination / "half.safetensors").write_bytes(b"half")
        raise ValueError("the layers do not fit")


RECIPES = {"breaks": Breaks()}
"""
BENCHMARKS = """
from pytest_unicomp.benchmarks.efficiency.latency import Latency

BENCHMARKS = {"huge-latency": Latency(batch=10**8, prompt=128, decode=0, sets=())}
"""


def install(folder: Path) -> None:
    """Write the module and its metadata into a folder that is on the import path."""
    (folder / "toy_unicomp_recipes.py").write_text(MODULE)
    metadata = folder / "toy_unicomp_recipes-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-unicomp-recipes\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[pytest_unicomp.methods]\ntoy = toy_unicomp_recipes\n[pytest_unicomp.benchmarks]\ntoy = toy_unicomp_benchmarks\n"
    )
    (folder / "toy_unicomp_benchmarks.py").write_text(BENCHMARKS)
