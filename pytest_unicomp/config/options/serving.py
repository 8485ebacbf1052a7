"""Options for the backend of reference and candidates: this process, or OpenAI-compatible servers."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.config import parsers
from pytest_unicomp.config.option import option


@dataclass(frozen=True)
class Serving:
    """Options for the backend of reference and candidates: this process, or OpenAI-compatible servers."""

    reference: str = option(
        "run",
        parsers.reference,
        "run: evaluate the reference; stored: read its evidence from the baselines; URL: a server that serves it already",
        shapes="verdict",
        repeat="always",
    )
    backend: str = option(
        "hf",
        parsers.choice("hf", "server"),
        "what evaluates: hf (in this process) or server (started by --unicomp-serve)",
        shapes="measurement",
    )
    serve: str | None = option(
        None,
        parsers.text,
        "command that serves a model, for example from another environment: 'vllm serve {model} --port {port}'; implies backend server",
        shapes="measurement",
    )
