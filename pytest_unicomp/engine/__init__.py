"""Loads an artifact once and answers every benchmark's questions with it: `load(path, device=..., dtype=...)`."""

from pytest_unicomp.engine.loading import Engine as Engine
from pytest_unicomp.engine.loading import load as load
from pytest_unicomp.engine.loading import stored_dtype as stored_dtype

__all__ = ["Engine", "load", "stored_dtype"]
