"""Validates the options about served models before anything runs, and builds the Artifact record of a model that a server has already."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from uuid import uuid4

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Artifact
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.serving import command
from pytest_unicomp.engine.serving.endpoint import Endpoint


def validate(settings: Settings) -> None:
    """Raise UsageProblem if a command, an address or their combination cannot give comparable numbers; start nothing and contact no server."""
    if settings.serve is not None:
        if settings.backend != "server":
            raise UsageProblem(f"unicomp: --unicomp-serve is for --unicomp-backend=server; the backend is {settings.backend}.")
        command.validate(settings.serve)
    addresses = [name for name in settings.candidate if served(name)]
    for address in [*addresses, *([settings.reference] if served(settings.reference) else [])]:
        Endpoint.parse(address)
    if settings.backend == "server" and settings.serve is None and (settings.recipe or settings.inform or settings.reference == "run"):
        raise UsageProblem(
            "unicomp: --unicomp-backend=server needs --unicomp-serve=COMMAND, for example 'vllm serve {model} --port {port}', to serve what has no address yet."
        )
    if addresses and settings.backend == "hf" and settings.reference == "run":
        raise UsageProblem(
            f"unicomp: the candidate {addresses[0]} is measured by its server and the reference in this process, which cannot be compared (engine); "
            "serve both: --unicomp-serve=COMMAND or --unicomp-reference=URL, or take a served reference's evidence: --unicomp-reference=stored."
        )
    if (
        served(settings.reference)
        and settings.backend == "hf"
        and len(addresses) < len(settings.candidate) + len(settings.recipe) + len(settings.inform)
    ):
        raise UsageProblem(
            f"unicomp: the reference is measured by the server {settings.reference} and other models in this process, which cannot be compared (engine); "
            "give --unicomp-serve=COMMAND too, or candidates that are served: --unicomp-candidate=URL."
        )
    if settings.executor != "local" and (settings.backend == "server" or addresses):
        raise UsageProblem(
            f"unicomp: --unicomp-executor={settings.executor} and served models do not go together; the server spreads the work: leave it out."
        )


def artifact(recipe: str, address: str) -> Artifact:
    """Return the record of a served model, of which only the address is known.

    Its fingerprint is valid for this run alone, since the server may serve another model tomorrow.
    """
    endpoint = Endpoint.parse(address)
    known = {"address": endpoint.url, "model": endpoint.model, "run": _run()}
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
def _run() -> str:
    # pytest-xdist gives all workers of a run the same id, so that they share measurements.
    return os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex
