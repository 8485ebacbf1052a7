"""The base class of the methods: defaults for everything except the technique's name, its family and `compress`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.support import unsupported


@dataclass(frozen=True)
class CompressionMethod:
    """A frozen dataclass whose fields are the settings; a subclass sets `method` and `family` and writes `compress`.

    `calibrated`: it needs calibration text. `requires`: the modules that it imports.
    """

    method: ClassVar[str]
    family: ClassVar[Family]
    calibrated: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ("transformers",)

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Return in one phrase why it cannot compress a model with this config.json, or None; by default what `unsupported` finds."""
        return unsupported(config)

    def settings(self) -> dict[str, Any]:
        """Return everything that shapes the artifact as JSON values: by default all fields."""
        return asdict(self)

    def for_model(self, config: Mapping[str, Any]) -> Self:
        """Return the method with the settings that a model with this config.json takes: by default itself."""
        return self

    @abstractmethod
    def compress(self, job: CompressionJob) -> None:
        """Write the compressed checkpoint into `job.destination`."""
