"""The value of `backend`: hf, server, or a model class of lm-eval with its arguments, `lm-eval:NAME,key=value`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem, nearest

HF: Final = "hf"
SERVER: Final = "server"
LM_EVAL: Final = "lm-eval"
# In an argument, the folder of the model that is evaluated.
MODEL: Final = "{model}"


@dataclass(frozen=True)
class LmEvalBackend:
    """A model class of lm-eval by the name that it is registered under, and its arguments as pairs of texts."""

    name: str
    arguments: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, backend: str) -> LmEvalBackend | None:
        """Return the class that a value of `backend` names, None for hf and server."""
        kind, _, rest = backend.partition(":")
        if kind != LM_EVAL:
            return None
        name, *pairs = rest.split(",")
        return cls(name.strip(), tuple((key.strip(), value) for key, _, value in (pair.partition("=") for pair in pairs)))


def backend(location: str, value: Any) -> str:
    """Read a backend; raise UsageProblem for anything else than hf, server, or lm-eval with a name and arguments `key=value`."""
    if value in (HF, SERVER):
        return str(value)
    found = LmEvalBackend.of(value) if isinstance(value, str) else None
    if found is None:
        known = (HF, SERVER, f"{LM_EVAL}:NAME")
        raise UsageProblem(f"unicomp: {location} is {value!r}; expected one of {', '.join(known)}.{nearest(str(value), known)}")
    if not found.name or not all(key and text for key, text in found.arguments):
        raise UsageProblem(
            f"unicomp: {location} is {value!r}; expected lm-eval:NAME, then arguments if there are any, such as lm-eval:hf,dtype=float32."
        )
    return str(value)
