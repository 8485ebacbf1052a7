"""The job that another process performs, one recipe and the benchmarks to measure it on, and the events that come back."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

from pytest_unicomp.api import errors
from pytest_unicomp.api.errors import InfrastructureError, UnicompError
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run.step import Step

# The name under which the driver requests a result: its kind, then the recipe, then the benchmark of a measurement.
Key = tuple[Hashable, ...]
State = Literal["started", "done", "failed"]


@dataclass(frozen=True)
class Job:
    """A request to make the artifact of `recipe` (or take the reference) and to measure it on `benchmarks`; results go into the store of `settings`."""

    settings: Settings
    recipe: str
    benchmarks: tuple[str, ...]

    @property
    def steps(self) -> tuple[Key, ...]:
        """Return the keys of its results, in the order in which they are made."""
        return (("artifact", self.recipe), *(("measurement", self.recipe, name) for name in self.benchmarks))


@dataclass(frozen=True)
class Event:
    """A worker's report on one result: started (`working` is the step to show), done, or failed (`message`; `error` names the exception)."""

    step: Key
    state: State
    message: str = ""
    error: str = ""
    working: Step | None = None

    def exception(self) -> UnicompError:
        """Return the failure as an exception for the driver to raise: of its own class if that is one of this package's, else InfrastructureError."""
        kind = getattr(errors, self.error, InfrastructureError)
        return kind(self.message) if isinstance(kind, type) and issubclass(kind, UnicompError) else InfrastructureError(self.message)


def failed(step: Key, error: BaseException) -> Event:
    """Return the event for a step that raised `error`."""
    return Event(step, "failed", message=str(error) or type(error).__name__, error=type(error).__name__)
