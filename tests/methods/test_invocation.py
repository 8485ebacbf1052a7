from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.methods.composition import Composition
from pytest_unicomp.methods.invocation import compress
from pytest_unicomp.methods.method import CompressionMethod
from tests.methods.tiny import job


@dataclass(frozen=True)
class Current(CompressionMethod):
    method: ClassVar[str] = "current"
    family: ClassVar[Any] = "pruning"

    def compress(self, job: CompressionJob) -> None:
        (job.destination / "made").write_text(f"{job.seed} {job.device}")


@dataclass(frozen=True)
class Older:
    """A method as the release before wanted it: no base class, seven arguments."""

    method: ClassVar[str] = "older"
    family: ClassVar[str] = "pruning"
    calibrated: ClassVar[bool] = False
    requires: ClassVar[tuple[str, ...]] = ()

    def refusal(self, config: Any) -> None:
        return None

    def settings(self) -> dict[str, Any]:
        return {}

    def compress(self, source: Any, destination: Any, calibration: Any, *, seed: Any, device: Any, progress: Any, scratch: Any) -> None:
        progress("at work")
        (destination / "config.json").write_text("{}")
        (destination / "made").write_text(f"{source.name} {calibration} {seed} {device} {scratch.name}")


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_a_method_that_takes_a_job_gets_it_without_a_warning(destination: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compress(Current(), job(tmp_path, destination, seed=5, scratch=tmp_path))
    assert (destination / "made").read_text() == "5 cpu"


def test_the_seven_arguments_of_the_release_before_still_work_and_the_warning_names_the_class(destination: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.warns(DeprecationWarning, match=r"test_invocation\.Older\.compress .* write compress\(self, job\)") as caught:
        compress(Older(), job(tmp_path / "model", destination, seed=3, scratch=tmp_path / "scratch", progress=said.append))
    assert caught[0].filename == __file__
    assert (destination / "made").read_text() == "model None 3 cpu scratch"
    assert said == ["at work"]


def test_the_seven_arguments_work_as_a_step_too(destination: Path, tmp_path: Path) -> None:
    for folder in (tmp_path / "model", tmp_path / "step-0"):
        folder.mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    with pytest.warns(DeprecationWarning, match="Older"):
        Composition((Older(), Current())).compress(job(tmp_path / "model", destination, scratch=tmp_path))
    assert (destination / "made").read_text() == "0 cpu"
    assert (tmp_path / "step-0" / "made").exists()
