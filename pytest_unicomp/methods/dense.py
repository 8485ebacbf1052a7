"""Pass the reference through uncompressed: the row that every other recipe is compared with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import Calibration, Progress
from pytest_unicomp.api.records import Family


@dataclass(frozen=True)
class Dense:
    """No compression; the artifact is the reference itself."""

    method: ClassVar[str] = "dense"
    family: ClassVar[Family] = "none"
    calibrated: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ()

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """None: any causal language model with a plain list of decoder blocks."""
        return None

    def settings(self) -> dict[str, Any]:
        """Nothing shapes the artifact but the reference."""
        return {}

    def compress(
        self,
        source: Path,
        destination: Path,
        calibration: Calibration | None,
        *,
        seed: int,
        device: str,
        progress: Progress,
        scratch: Path,
    ) -> None:
        """Link the files of `source` into the empty folder `destination`, or copy them where the file system cannot link."""
        for file in sorted(source.iterdir()):
            if not file.is_file():
                continue
            try:
                os.link(file.resolve(), destination / file.name)
            except OSError:
                shutil.copyfile(file, destination / file.name)


RECIPES = {"dense": Dense()}
