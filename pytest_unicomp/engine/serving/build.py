"""Builds the Artifact record of a model that a server has already."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from uuid import uuid4

from pytest_unicomp.api.records import Artifact
from pytest_unicomp.engine.serving.endpoint import Endpoint


def artifact(recipe: str, address: str) -> Artifact:
    """Return the record of a served model, of which only the address is known.

    Its fingerprint is valid for this run alone, since the server may serve another model tomorrow.
    """
    endpoint = Endpoint.parse(address)
    known = {"address": endpoint.url, "model": endpoint.model, "run": run_identity()}
    return Artifact(
        recipe=recipe,
        family="candidate",
        settings={"method": "served", "source": address},
        path=address,
        fingerprint=hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest(),
        parameters=None,
        bytes=None,
        bits_per_weight=None,
        sparsity=None,
    )


@cache
def run_identity() -> str:
    """Return a name for this run, the same in all of its processes, to stand for content that may be another in the next one."""
    # pytest-xdist gives all workers of a run the same id, so that they share measurements.
    return os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex
