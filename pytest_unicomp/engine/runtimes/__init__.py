"""Runs a compressed checkpoint with the kernels of its own format, if this device has them: `accelerate(engine, folder)` replaces and verifies layers."""

from pytest_unicomp.engine.runtimes.acceleration import Runtime as Runtime
from pytest_unicomp.engine.runtimes.acceleration import accelerate as accelerate

__all__ = ["Runtime", "accelerate"]
