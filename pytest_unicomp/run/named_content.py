"""Identifies what a serve command or the arguments of a class of lm-eval name beside the checkpoint, which its fingerprint does not cover."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pytest_unicomp.api.records import Artifact
from pytest_unicomp.checkpoints.artifact_check import folder
from pytest_unicomp.config.backend import MODEL, LmEvalBackend
from pytest_unicomp.config.evaluated_by import EvaluatedBy
from pytest_unicomp.config.parsers import served
from pytest_unicomp.engine.lm_eval_model import PRETRAINED
from pytest_unicomp.engine.serving import build

# A commit of the hub, whose content never changes; a branch or a tag may move.
COMMIT = re.compile(r"[0-9a-f]{40}")
REVISION = "revision"
# Arguments by which lm-eval's classes take a repository of the hub, whose name may be any word, such as gpt2.
REPOSITORIES = (PRETRAINED, "model", "tokenizer", "peft", "delta")
# Any other argument names one if it has an owner.
OWNED = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def named_content(by: EvaluatedBy, artifact: Artifact, digest_of: Callable[[Path], str]) -> dict[str, str]:
    """Return an identity for each file, folder, repository and address that is named beside the artifact; empty if there is none.

    What may be another thing tomorrow, such as the branch of a repository, has an identity that is valid for this run alone.
    """
    if by.serve is not None and not served(artifact.path):
        return _of_command(by.serve, folder(artifact), Path(artifact.path))
    chosen = LmEvalBackend.of(by.backend)
    return {} if chosen is None else _of_class(chosen, artifact, digest_of)


@cache
def _of_command(command: str, shipped: Path, unpacked: Path) -> dict[str, str]:
    """Read once in a process: a server reads them when it starts, and may write others, such as a log, which are no part of it.

    Of a folder only the names, sizes and times of its own files are taken: it may hold all models of a machine.
    """
    found: dict[str, str] = {}
    for word in _words(command):
        place = Path(word.replace("{model}", str(shipped)).replace("{unpacked}", str(unpacked)))
        if place in (shipped, unpacked):
            continue
        if place.is_file():
            found[word] = _stamp(place)
        elif place.is_dir():
            found |= {f"{word}: {file.name}": _stamp(file) for file in sorted(place.iterdir()) if file.is_file()}
    return found


def _words(command: str) -> Iterator[str]:
    """Yield the words of a command, the values in words such as --config=FILE and NAME=FILE, and the texts in those that are JSON."""
    for word in shlex.split(command):
        yield word
        _, equals, value = word.partition("=")
        if equals:
            yield value
        yield from _texts(value if equals else word)


def _texts(word: str) -> Iterator[str]:
    try:
        waiting: list[Any] = [json.loads(word)] if word.startswith(("{", "[")) else []
    except ValueError:
        # Many words begin like that, first of all {model}.
        return
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            waiting += one.values() if isinstance(one, dict) else one


def _stamp(file: Path) -> str:
    found = file.stat()
    return f"{found.st_size} bytes, {found.st_mtime_ns} ns"


def _of_class(chosen: LmEvalBackend, artifact: Artifact, digest_of: Callable[[Path], str]) -> dict[str, str]:
    pinned = any(key == REVISION and COMMIT.fullmatch(value) for key, value in chosen.arguments)
    found: dict[str, str] = {}
    for key, text in chosen.arguments:
        value = text.replace(MODEL, artifact.path)
        place = Path(value)
        if value == artifact.path:
            continue
        if place.exists():
            files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
            found |= {f"{value}: {file.relative_to(place)}": digest_of(file) for file in files}
        elif served(value) or ((key in REPOSITORIES or OWNED.fullmatch(value)) and not (pinned and key == PRETRAINED)):
            found[f"{key}={value}"] = build.run_identity()
    return found
