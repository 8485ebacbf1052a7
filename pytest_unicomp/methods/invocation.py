"""Calls a compression method through the current contract, or through that of the previous release."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

from pytest_unicomp.api.protocols import CompressionJob, Method


def for_model(method: Method, config: Mapping[str, Any]) -> Method:
    """Return the method adapted to a model with this config.json; methods of the previous release's contract are returned unchanged."""
    return method.for_model(config) if hasattr(method, "for_model") else method


def compress(method: Method, job: CompressionJob) -> None:
    """Call `method.compress(job)`.

    A method that still takes `compress(source, destination, calibration, *, seed, device, progress, scratch)` is called that way, with a
    DeprecationWarning that names its class; the next release drops this form.
    """
    if _takes_job(method):
        method.compress(job)
        return
    kind: Any = type(method)
    code = kind.compress.__code__
    warnings.warn_explicit(
        f"unicomp: {kind.__module__}.{kind.__qualname__}.compress takes (source, destination, calibration, *, seed, device, progress, scratch), "
        "which the next release drops; write compress(self, job) and read job.source, job.destination and so on.",
        DeprecationWarning,
        code.co_filename,
        code.co_firstlineno,
        module=kind.__module__,
    )
    older: Any = method
    older.compress(
        *(job.source, job.destination, job.calibration), seed=job.seed, device=job.device, progress=job.progress, scratch=job.scratch
    )


def _takes_job(method: Method) -> bool:
    return len(inspect.signature(method.compress).parameters) == 1
