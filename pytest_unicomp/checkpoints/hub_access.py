"""Tests once, before any download, if the hub responds and if all needed repositories exist and are readable."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_unicomp.checkpoints.hub_errors import explained, offline, switched_off

# Seconds that the hub has to answer one question about a repository.
PATIENCE = 5.0


@dataclass(frozen=True)
class Repository:
    """A model or a data set of the hub, at a revision (None: its main branch)."""

    kind: Literal["model", "dataset"]
    name: str
    revision: str | None = None

    def __str__(self) -> str:
        """Return it as a message names it."""
        what = "model" if self.kind == "model" else "data set"
        return f"the {what} {self.name}{f'@{self.revision}' if self.revision else ''}"


def require_readable(wanted: Iterable[Repository]) -> None:
    """Raise UnicompError for the first repository that could not be fetched, as `ask` does; cached repositories are not requested."""
    ask(repository for repository in wanted if not cached(repository))


def ask(wanted: Iterable[Repository]) -> None:
    """Raise UnicompError, in one line and within seconds, for the first repository that could not be fetched.

    UsageProblem if its name, the token or HF_HUB_OFFLINE is in the way, InfrastructureError if the hub does not answer.
    """
    lacking = list(dict.fromkeys(wanted))
    if lacking and offline():
        more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
        raise switched_off(f"{lacking[0]}{more}")
    for repository in lacking:
        try:
            _ask(repository)
        # Whatever the client raises: the chain of causes says which it is.
        except Exception as error:
            raise explained(str(repository), error) from error


def cached(repository: Repository) -> bool:
    """Return True if a copy of the repository, whole or in part, is in the caches of the hub's client or of `datasets`."""
    from huggingface_hub import constants

    folder = f"{repository.kind}s--{repository.name.replace('/', '--')}"
    snapshots = Path(constants.HF_HUB_CACHE) / folder / "snapshots"
    if repository.revision is not None:
        reference = snapshots.parent / "refs" / repository.revision
        return (snapshots / repository.revision).is_dir() or reference.is_file()
    if snapshots.is_dir() and any(snapshots.iterdir()):
        return True
    prepared = Path(os.environ.get("HF_DATASETS_CACHE") or Path(constants.HF_HOME) / "datasets")
    return repository.kind == "dataset" and (prepared / repository.name.replace("/", "___")).is_dir()


def _ask(repository: Repository) -> None:
    from huggingface_hub import HfApi

    hub = HfApi()
    about = hub.dataset_info if repository.kind == "dataset" else hub.model_info
    if about(repository.name, revision=repository.revision, timeout=PATIENCE).gated:
        hub.auth_check(repository.name, repo_type=repository.kind)
