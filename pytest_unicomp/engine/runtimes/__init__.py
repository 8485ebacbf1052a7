"""Runs a compressed checkpoint in its own format where this device has a kernel for it: `accelerate(engine, folder)`, checked before it is used."""

from pytest_unicomp.engine.runtimes.acceleration import Runtime as Runtime
from pytest_unicomp.engine.runtimes.acceleration import accelerate as accelerate

__all__ = ["Runtime", "accelerate"]
