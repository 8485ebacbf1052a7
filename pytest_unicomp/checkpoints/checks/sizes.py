"""The sizes that two configurations give a model, with the defaults of its class filled in if they are written differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.configuration import SIZES, Unresolved, resolve


def sizes(candidate: Checkpoint, base: Checkpoint) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the language model's settings of both: as written if all SIZES are written alike, else as transformers' class fills them in.

    As written too if transformers has no class for one of them.
    """
    mine, theirs = candidate.text_config, base.text_config
    if all(mine.get(key) == theirs.get(key) for key in SIZES):
        return mine, theirs
    try:
        return resolve(candidate.config).text_settings, resolve(base.config).text_settings
    except Unresolved:
        return mine, theirs
