"""Applies several methods in sequence, each to the result of the previous one: prune then quantize, distil then quantize."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import CompressionJob, Method
from pytest_unicomp.api.records import Family
from pytest_unicomp.checkpoints.config_json import read_config
from pytest_unicomp.methods.invocation import compress, for_model

DONE = "done"


@dataclass(frozen=True)
class Composition:
    """Two or more methods in the order in which they are applied; its family is that of the last one."""

    steps: tuple[Method, ...]
    method: ClassVar[str] = "composition"

    @property
    def family(self) -> Family:
        """The family of the last step."""
        return self.steps[-1].family

    @property
    def calibrated(self) -> bool:
        """Return True if any step needs calibration text; all that do see the same."""
        return any(step.calibrated for step in self.steps)

    @property
    def requires(self) -> tuple[str, ...]:
        """The libraries of all steps."""
        return tuple(dict.fromkeys(library for step in self.steps for library in step.requires))

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Return the reason of the first step that refuses; every step leaves a checkpoint of the same architecture."""
        return next((f"{step.method}: {reason}" for step in self.steps if (reason := step.refusal(config))), None)

    def for_model(self, config: Mapping[str, Any]) -> Composition:
        """Return the steps with the settings that the model takes, up to a distillation, which may change the widths."""
        changing = next((position for position, step in enumerate(self.steps) if step.family == "distillation"), len(self.steps))
        fitted = (for_model(step, config) for step in self.steps[:changing])
        return Composition((*fitted, *self.steps[changing:]))

    def settings(self) -> dict[str, Any]:
        """The method and settings of each step, in order."""
        return {"steps": [{"method": step.method, **step.settings()} for step in self.steps]}

    def compress(self, job: CompressionJob) -> None:
        """Run the steps one after another. Intermediate checkpoints are kept in `job.scratch`, so a killed run repeats only its last step."""
        source, scratch = job.source, job.scratch
        for position, step in enumerate(self.steps):
            last = position == len(self.steps) - 1
            target = job.destination if last else scratch / f"step-{position}"
            mark = scratch / f"step-{position}-{DONE}"
            if not mark.exists():
                target.mkdir(exist_ok=True)
                for left in () if last else target.iterdir():
                    left.unlink()
                own = scratch / f"step-{position}-scratch"
                own.mkdir(exist_ok=True)
                text = job.calibration if step.calibrated else None
                config = read_config(source)
                compress(for_model(step, config), replace(job, source=source, destination=target, calibration=text, scratch=own))
                if not last:
                    mark.touch()
            source = target
