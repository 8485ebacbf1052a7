"""Checks, before anything runs, if the servers of a run can give numbers that may be compared; starts nothing and contacts no server."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.protocols import ItemBenchmark
from pytest_unicomp.config.backend import LM_EVAL, SERVER, LmEvalBackend
from pytest_unicomp.config.config_file import CANDIDATES
from pytest_unicomp.config.evaluated_by import EvaluatedBy, evaluated_by
from pytest_unicomp.config.options.serving import KEY_VARIABLE
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings, flag
from pytest_unicomp.engine import lm_eval_model
from pytest_unicomp.engine.lm_eval_model import Gives
from pytest_unicomp.engine.serving import command
from pytest_unicomp.engine.serving.endpoint import Endpoint
from pytest_unicomp.run.plan import Plan

EXAMPLE = "'vllm serve {model} --port {port}'"


@dataclass(frozen=True)
class _Side:
    """The reference or a candidate; `address` is that of a server that is there already."""

    name: str
    by: EvaluatedBy
    address: str | None

    @property
    def chat(self) -> bool:
        """Return True if it is spoken to in messages alone."""
        return self.address is not None and Endpoint.parse(self.address).chat

    @property
    def kind(self) -> Literal["hf", "server", "chat", "lm-eval"]:
        """Return the kind of engine that measures it; two sides of one kind can be compared."""
        if self.address is not None:
            return "chat" if self.chat else "server"
        if self.by.backend == SERVER:
            return "server"
        return "hf" if self.lm_eval is None else LM_EVAL

    @property
    def lm_eval(self) -> LmEvalBackend | None:
        """Return its class of lm-eval; None if it has an address or is measured otherwise."""
        return LmEvalBackend.of(self.by.backend) if self.address is None else None


def validate(settings: Settings, planned: Plan) -> None:
    """Raise UsageProblem if a command, an address, a key or their combination cannot give comparable numbers."""
    _require_known_names(settings, planned)
    candidates = [_Side(one.name, evaluated_by(settings, one.name), one.address) for one in planned.candidates]
    given = settings.reference if served(settings.reference) else None
    reference = _Side("the reference", evaluated_by(settings, None), given)
    sides = [*candidates, *([] if settings.reference == "stored" else [reference])]
    _require_commands(settings, sides)
    _require_keys(settings, sides)
    gives = {side: lm_eval_model.gives(found, side.by.origin) for side in sides if (found := side.lm_eval) is not None}
    _require_generation(planned, sides, gives)
    if settings.reference != "stored":
        for candidate in candidates:
            _require_comparable(settings, reference, candidate)
    if settings.executor != "local" and any(side.kind in ("server", "chat") for side in sides):
        raise UsageProblem(
            f"unicomp: --unicomp-executor={settings.executor} and served models do not go together; the server spreads the work: leave it out."
        )


def notes(settings: Settings, planned: Plan) -> tuple[str, ...]:
    """Return a line on what each class of lm-eval in this run gives."""
    by = [evaluated_by(settings, name) for name in (None, *(one.name for one in planned.candidates))]
    found = {one.backend: (chosen, one.origin) for one in by if (chosen := LmEvalBackend.of(one.backend)) is not None}
    return tuple(f"{backend} {lm_eval_model.gives(*chosen)}" for backend, chosen in found.items())


def _require_known_names(settings: Settings, planned: Plan) -> None:
    names = [candidate.name for candidate in planned.candidates]
    for name in settings.candidates:
        if name not in names:
            raise UsageProblem(
                f"unicomp: {settings.location(CANDIDATES, name)}: this run has no candidate {name!r}; it judges {', '.join(names)}."
                f"{nearest(name, names)}"
            )


def _require_commands(settings: Settings, sides: list[_Side]) -> None:
    if settings.serve is not None and settings.backend != SERVER:
        raise UsageProblem(
            f"unicomp: --unicomp-serve is for --unicomp-backend=server; the backend is {settings.backend}: leave one out, "
            "or give --unicomp-serve-candidate=COMMAND to serve what is judged alone."
        )
    _require_agreement(settings)
    for side in sides:
        if side.address is not None:
            Endpoint.parse(side.address, key_variable=side.by.key_variable)
    for origin, text in dict.fromkeys(_commands(settings)):
        command.validate(text, origin)
    for side in sides:
        if side.address is None and side.by.backend == SERVER and side.by.serve is None:
            both = settings.backend == SERVER
            raise UsageProblem(
                f"unicomp: {flag('backend') + '=server' if both else side.by.origin + ', server,'} needs "
                f"{flag('serve' if both else 'serve_candidate')}=COMMAND, for example {EXAMPLE}, to serve what has no address yet: {side.name}."
            )


def _require_agreement(settings: Settings) -> None:
    """Raise UsageProblem for a command beside a backend that is no server: one of the two would have no effect."""
    if settings.serve_candidate is not None and settings.backend_candidate not in (None, SERVER):
        raise UsageProblem(
            f"unicomp: --unicomp-serve-candidate is for candidates behind a server; --unicomp-backend-candidate is {settings.backend_candidate}: "
            "leave one out."
        )
    for name, own in settings.candidates.items():
        if "serve" in own and own.get("backend", SERVER) != SERVER:
            raise UsageProblem(
                f"unicomp: {settings.location(CANDIDATES, name, 'serve')} is for a candidate behind a server; its backend is {own['backend']}: "
                "leave one out."
            )


def _commands(settings: Settings) -> Iterator[tuple[str, str]]:
    for name in ("serve", "serve_candidate"):
        if (text := getattr(settings, name)) is not None:
            yield flag(name), text
    for candidate, own in settings.candidates.items():
        if "serve" in own:
            yield settings.location(CANDIDATES, candidate, "serve"), own["serve"]


def _require_keys(settings: Settings, sides: list[_Side]) -> None:
    """Raise UsageProblem if a variable that was named for a key is not set; the default one may be, since most servers need no key."""
    for side in sides:
        variable = side.by.key_variable
        if variable != KEY_VARIABLE and not os.environ.get(variable):
            own = "key_variable" in settings.candidates.get(side.name, {})
            where = settings.location(CANDIDATES, side.name, "key_variable") if own else flag("key_variable")
            raise UsageProblem(
                f"unicomp: {where} names the environment variable {variable}, which is not set; export {variable} with the key of the server, "
                "or leave the option out."
            )


def _require_generation(planned: Plan, sides: list[_Side], given: Mapping[_Side, Gives]) -> None:
    """Raise UsageProblem if benchmarks read likelihoods, and a chat endpoint or a class of lm-eval does not give them."""
    without = next((said for side in sides if (said := _without_likelihoods(side, given.get(side))) is not None), None)
    table = planned.table
    reading = [name for name in planned.benchmarks if isinstance(entry := table[name], ItemBenchmark) and entry.reads_likelihoods]
    if without is None or not reading:
        return
    generating = [name for name in planned.benchmarks if isinstance(table[name], ItemBenchmark) and name not in reading]
    raise UsageProblem(
        f"unicomp: {without}, which gives no likelihoods, and {', '.join(reading)} need them; choose benchmarks that generate text: "
        f"--unicomp-benchmark={','.join(generating) or 'gsm8k,ifeval'}."
    )


def _without_likelihoods(side: _Side, gives: Gives | None) -> str | None:
    """Return the name of a side's engine if it generates text alone, None if it gives likelihoods; `gives` is what its class of lm-eval does."""
    if side.chat:
        return f"{side.address} is a chat endpoint"
    return f"{side.by.origin} is {side.by.backend}" if gives is not None and not gives.likelihoods else None


def _require_comparable(settings: Settings, reference: _Side, candidate: _Side) -> None:
    if reference.kind == candidate.kind:
        return
    if "chat" in (reference.kind, candidate.kind):
        chat, other = (reference, candidate) if reference.chat else (candidate, reference)
        raise UsageProblem(
            f"unicomp: {chat.address} applies a chat template of its own, and {other.address or other.name} is given the prompts of the reference's "
            "template, which cannot be compared (engine); give both by /v1/chat/completions, or both without."
        )
    if LM_EVAL in (reference.kind, candidate.kind):
        raise UsageProblem(
            f"unicomp: the reference is measured by {_measured_by(reference)} and {candidate.name} by {_measured_by(candidate)}, which cannot be "
            "compared (engine); give both a class of lm-eval, such as --unicomp-backend=lm-eval:hf for the reference."
        )
    if candidate.address is not None:
        raise UsageProblem(
            f"unicomp: the candidate {candidate.address} is measured by its server and the reference in this process, which cannot be compared "
            "(engine); serve both: --unicomp-serve=COMMAND or --unicomp-reference=URL, or take a served reference's evidence: "
            "--unicomp-reference=stored."
        )
    if candidate.kind == "server":
        raise UsageProblem(
            f"unicomp: {candidate.by.origin} serves {candidate.name} and the reference is measured in this process, which cannot be compared "
            f"(engine); serve the reference too: --unicomp-serve=COMMAND, for example {EXAMPLE}, or --unicomp-reference=URL."
        )
    raise UsageProblem(
        f"unicomp: the reference is measured by the server {settings.reference} and other models in this process, which cannot be compared "
        f"(engine): {candidate.name}; give --unicomp-serve=COMMAND too, or candidates that are served: --unicomp-candidate=URL."
    )


def _measured_by(side: _Side) -> str:
    return side.address or side.by.backend
