"""GGUF, the format of llama.cpp and Ollama: found, read under limits, described, unpacked."""

from pytest_unicomp.checkpoints.gguf.describe import describe as describe
from pytest_unicomp.checkpoints.gguf.locate import fetch as fetch
from pytest_unicomp.checkpoints.gguf.locate import in_folder as in_folder
from pytest_unicomp.checkpoints.gguf.locate import is_gguf as is_gguf
from pytest_unicomp.checkpoints.gguf.locate import local as local
from pytest_unicomp.checkpoints.gguf.locate import repository as repository
from pytest_unicomp.checkpoints.gguf.locate import require_findable as require_findable
from pytest_unicomp.checkpoints.gguf.reader import GgufFile as GgufFile
from pytest_unicomp.checkpoints.gguf.reader import GgufTensor as GgufTensor
from pytest_unicomp.checkpoints.gguf.reader import read as read
from pytest_unicomp.checkpoints.gguf.unpack import config as config
from pytest_unicomp.checkpoints.gguf.unpack import require_unpackable as require_unpackable
from pytest_unicomp.checkpoints.gguf.unpack import unpack as unpack

__all__ = [
    "GgufFile",
    "GgufTensor",
    "config",
    "describe",
    "fetch",
    "in_folder",
    "is_gguf",
    "local",
    "read",
    "repository",
    "require_findable",
    "require_unpackable",
    "unpack",
]
