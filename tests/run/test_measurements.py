"""Scores are filed under a fingerprint only if the files that were measured are still those of that fingerprint."""

import shutil
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.config.evaluation import evaluation_of
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.measurements import Measurements
from pytest_unicomp.store.local import Store
from tests.toys import artifact, measurement


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", None])
def test_scores_of_files_that_changed_meanwhile_are_not_kept(tmp_path, monkeypatch, name):
    folder = tmp_path / "theirs"
    shutil.copytree(hub.NANO, folder)
    made = artifact(str(folder), fingerprint=hub.fingerprint(folder))

    def measured(*_: Any) -> Any:
        if name is not None:
            (folder / name).write_text((folder / name).read_text() + " ")
        return measurement([1.0], artifact=made.fingerprint, benchmark="nano-safety")

    monkeypatch.setattr("pytest_unicomp.run.evaluate.measure", measured)
    loaded: Any = SimpleNamespace(evaluator=lambda _: SimpleNamespace(lm=SimpleNamespace()))
    evaluation = evaluation_of(resolve({"model": "nano", "recipe": ["dense"]}, {}))
    store = Store(tmp_path / "store")
    measurements = Measurements(evaluation, "cpu", loaded, store=store, progress=lambda _: None, detail=lambda _: None)
    key = measurements.key(made, "nano-safety")
    if name is None:
        assert measurements.items(made, "toy", "nano-safety") is not None
        assert store.read("measurements", key) is not None
        return
    with pytest.raises(InfrastructureError, match="are not those of its fingerprint"):
        measurements.items(made, "toy", "nano-safety")
    assert store.read("measurements", key) is None
