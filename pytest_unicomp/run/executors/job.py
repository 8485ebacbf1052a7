"""What is handed to another process: one recipe and the benchmarks to measure it on."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

from pytest_unicomp.api import errors
from pytest_unicomp.api.errors import InfrastructureError, UnicompError
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run.step import Step

# The name by which the driver asks for a result.
Key = tuple[Hashable, ...]
State = Literal["started", "done", "failed"]


@dataclass(frozen=True)
class Job:
    """Make the artifact of `recipe` (or take the reference) and measure it on `benchmarks`; what is made goes into the store of `settings`."""

    settings: Settings
    recipe: str
    benchmarks: tuple[str, ...]

    @property
    def steps(self) -> tuple[Key, ...]:
        """What it makes, in order, under the names by which the driver asks for it."""
        return (("artifact", self.recipe), *(("measurement", self.recipe, name) for name in self.benchmarks))


@dataclass(frozen=True)
class Event:
    """What a worker reports of one result: it is being worked at (`working` is the step), done, or failed (`message`; `error` names the exception)."""

    step: Key
    state: State
    message: str = ""
    error: str = ""
    working: Step | None = None

    def exception(self) -> UnicompError:
        """Return the failure as the exception that was raised, for the driver to raise again."""
        kind = getattr(errors, self.error, InfrastructureError)
        return kind(self.message) if isinstance(kind, type) and issubclass(kind, UnicompError) else InfrastructureError(self.message)


def failed(step: Key, error: BaseException) -> Event:
    """Return the event of a step that raised."""
    return Event(step, "failed", message=str(error) or type(error).__name__, error=type(error).__name__)
