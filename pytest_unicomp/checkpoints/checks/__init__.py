"""Static checks of a checkpoint folder against its base, whichever tool wrote it: no code of the folder runs. Each file here has a table CHECKS.

A new check is a function with an entry in a table `CHECKS`, in one of these files or in a new one; nothing else names it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Finding, Outcome, Status
from pytest_unicomp.checkpoints.checks.promise import Promise

__all__ = ["ArtifactCheck", "Checkpoint", "Finding", "Outcome", "Promise", "Status", "checks", "inspect"]
# What a file that is not what it seems makes of code that reads it; anything else is a defect of ours and is shown as one.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, UnicompError)


@cache
def checks() -> Mapping[str, ArtifactCheck]:
    """Return every check by name, file by file."""
    found: dict[str, ArtifactCheck] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        found.update(getattr(importlib.import_module(f"{__name__}.{module.name}"), "CHECKS", {}))
    return found


def inspect(folder: Path, base: Path, promise: Promise | None = None) -> list[Finding]:
    """Return one finding per check for the checkpoint in `folder`, `base` being the folder of the model it was made from.

    `promise` is what its recipe states; without one, its own unicomp.json counts. Weights are read once, in pieces, without torch. A file
    that cannot be understood fails the checks that need it and stops none of the others.
    """
    candidate, reference = Checkpoint(folder, promise), Checkpoint(base)
    return [_finding(name, check, candidate, reference) for name, check in checks().items()]


def _finding(name: str, check: ArtifactCheck, candidate: Checkpoint, base: Checkpoint) -> Finding:
    try:
        outcome = check.inspect(candidate, base)
    except UNREADABLE as error:
        reason = error.detail if isinstance(error, UnicompError) else f"{type(error).__name__}: {error}"
        outcome = Outcome("fail", f"it cannot be read: {reason}")
    expected = outcome.expected or check.expected
    return Finding(
        check=name, status=outcome.status, found=outcome.found, expected=expected, action=check.action if outcome.status == "fail" else ""
    )
