"""Measures a model where it is really served: an OpenAI-compatible endpoint that is there already, or a command that starts one."""

from pytest_unicomp.engine.serving.command import ServeCommand as ServeCommand
from pytest_unicomp.engine.serving.endpoint import Endpoint as Endpoint
from pytest_unicomp.engine.serving.engine import ServedEngine as ServedEngine
from pytest_unicomp.engine.serving.engine import connect as connect

__all__ = ["Endpoint", "ServeCommand", "ServedEngine", "connect"]
