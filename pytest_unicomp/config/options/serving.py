"""Options for the backend of reference and candidates: this process, or OpenAI-compatible servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_unicomp.config import parsers
from pytest_unicomp.config.backend import backend as read_backend
from pytest_unicomp.config.option import option, table

# Not OPENAI_API_KEY: that one belongs to another address, and must not be sent to whatever URL is tested.
KEY_VARIABLE = "UNICOMP_API_KEY"


@dataclass(frozen=True)
class Serving:
    """Options for the backend of reference and candidates: this process, OpenAI-compatible servers, or model classes of lm-eval.

    Options of the candidates alone shape no measurement of the reference: `evaluated_by` resolves them for each candidate.
    """

    reference: str = option(
        "run",
        parsers.reference,
        "run: evaluate the reference; stored: read its evidence from the baselines; URL: a server that serves it already",
        shapes="verdict",
        repeat="always",
    )
    backend: str = option(
        "hf",
        read_backend,
        "what evaluates: hf (in this process), server (started by --unicomp-serve), or a model class of lm-eval: lm-eval:NAME,key=value",
        shapes="measurement",
    )
    serve: str | None = option(
        None,
        parsers.text,
        "command that serves a model, for example from another environment: 'vllm serve {model} --port {port}'; implies backend server",
        shapes="measurement",
    )
    serve_candidate: str | None = option(
        None,
        parsers.text,
        "another command for what is judged, such as 'vllm serve {model} --port {port} --kv-cache-dtype fp8'; the reference keeps its own",
        shapes="verdict",
    )
    backend_candidate: str | None = option(
        None, read_backend, "another backend for what is judged, such as lm-eval:openvino; the reference keeps its own", shapes="verdict"
    )
    key_variable: str = option(
        KEY_VARIABLE,
        parsers.text,
        "name of the environment variable with the key of the servers; its value is sent to them and kept nowhere",
    )
    candidates: Mapping[str, Mapping[str, str]] = table(shapes="verdict")
