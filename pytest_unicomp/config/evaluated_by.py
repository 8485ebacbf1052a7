"""Chooses the backend and the serve command that evaluate each model of a run, from the configuration file and the options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.config import parsers
from pytest_unicomp.config.backend import SERVER
from pytest_unicomp.config.backend import backend as read_backend
from pytest_unicomp.config.config_file import CANDIDATES
from pytest_unicomp.config.settings import Settings, flag
from pytest_unicomp.config.toml_lines import TomlLocations

if TYPE_CHECKING:
    from pytest_unicomp.api.protocols import Evaluation

KEYS: Final = ("serve", "backend", "key_variable")


@dataclass(frozen=True)
class EvaluatedBy:
    """The backend that evaluates one model, and its serve command.

    `backend` is hf (in this process), server, or a class of lm-eval; `serve` is the command that starts its server, None without one, and `origin` the flag or key
    that gave the command or the backend. `key_variable` names the environment variable with the key of its server.
    """

    backend: str
    serve: str | None
    key_variable: str
    origin: str

    def of(self, evaluation: Evaluation) -> Evaluation:
        """Return how this model is evaluated, from how the reference is."""
        return replace(evaluation, backend=self.backend, serve=self.serve)


def evaluated_by(settings: Settings, candidate: str | None) -> EvaluatedBy:
    """Return backend and serve command of the candidate of this name, or of the reference (None)."""
    if candidate is None:
        return EvaluatedBy(settings.backend, settings.serve, settings.key_variable, _origin(settings))
    entry = _entry(settings, candidate)
    own = settings.candidates.get(entry, {})
    backend, serve, origin = settings.backend, settings.serve, _origin(settings)
    if settings.backend_candidate is not None:
        backend, serve, origin = settings.backend_candidate, serve, flag("backend_candidate")
    if settings.serve_candidate is not None:
        backend, serve, origin = SERVER, settings.serve_candidate, flag("serve_candidate")
    if "backend" in own:
        backend, origin = own["backend"], settings.location(CANDIDATES, entry, "backend")
    if "serve" in own:
        backend, serve, origin = SERVER, own["serve"], settings.location(CANDIDATES, entry, "serve")
    if backend != SERVER:
        serve = None
    return EvaluatedBy(backend, serve, own.get("key_variable", settings.key_variable), origin)


def _entry(settings: Settings, candidate: str) -> str:
    """Return the name under which a candidate has its entry: its own, or if it has none and is made with the target's text, that of its recipe."""
    if candidate in settings.candidates or settings.calibration_target is None:
        return candidate
    return candidate.removesuffix(f"@{settings.calibration_target}")


def _origin(settings: Settings) -> str:
    return flag("serve" if settings.backend == SERVER else "backend")


def read(data: Any, locations: TomlLocations) -> Mapping[str, Mapping[str, str]]:
    """Return the table `candidates` of a file: for the name of a candidate what differs for it alone. Raises UsageProblem for anything else."""
    if not isinstance(data, Mapping):
        raise UsageProblem(f"unicomp: {locations.location(CANDIDATES)} is {data!r}; expected tables by candidate, [candidates.NAME].")
    found: dict[str, Mapping[str, str]] = {}
    for name, own in data.items():
        if not isinstance(own, Mapping):
            raise UsageProblem(f"unicomp: {locations.location(CANDIDATES, name)} is {own!r}; expected a table with {' or '.join(KEYS)}.")
        for key in own:
            if key not in KEYS:
                raise UsageProblem(
                    f"unicomp: {locations.location(CANDIDATES, name, key)}: a candidate has no option {key!r} of its own; "
                    f"expected {' or '.join(KEYS)}.{nearest(key, KEYS)}"
                )
        read_value = {"backend": read_backend}
        found[name] = {
            key: read_value.get(key, parsers.text)(locations.location(CANDIDATES, name, key), value) for key, value in own.items()
        }
    return found
