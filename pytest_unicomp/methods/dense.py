"""Pass the reference through uncompressed: the row that every other recipe is compared with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.api.records import Family
from pytest_unicomp.methods.method import CompressionMethod


@dataclass(frozen=True)
class Dense(CompressionMethod):
    """No compression; the artifact is the reference itself."""

    method: ClassVar[str] = "dense"
    family: ClassVar[Family] = "none"
    requires: ClassVar[tuple[str, ...]] = ()

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Refuse nothing."""
        return None

    def compress(self, job: CompressionJob) -> None:
        """Link the reference's files into `job.destination`, or copy them if the file system cannot link."""
        for file in sorted(job.source.iterdir()):
            if not file.is_file():
                continue
            try:
                os.link(file.resolve(), job.destination / file.name)
            except OSError:
                shutil.copyfile(file, job.destination / file.name)


RECIPES = {"dense": Dense()}
