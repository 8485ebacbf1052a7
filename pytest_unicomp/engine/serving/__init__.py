"""Evaluates a model through a server: an OpenAI-compatible endpoint that exists already, or one that a command starts for a checkpoint."""

from pytest_unicomp.engine.serving.command import ServeCommand as ServeCommand
from pytest_unicomp.engine.serving.endpoint import Endpoint as Endpoint
from pytest_unicomp.engine.serving.engine import ServedEngine as ServedEngine
from pytest_unicomp.engine.serving.engine import connect as connect

__all__ = ["Endpoint", "ServeCommand", "ServedEngine", "connect"]
