"""Loads an artifact once and answers every benchmark's questions with it: `load(path, device=..., dtype=...)`."""

from pytest_unicomp.engine.loading import Engine as Engine
from pytest_unicomp.engine.loading import load as load

__all__ = ["Engine", "load"]
