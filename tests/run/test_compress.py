from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_unicomp.api.protocols import Calibration
from pytest_unicomp.api.registry import methods
from pytest_unicomp.methods import invocation
from pytest_unicomp.methods.minitron_depth import MinitronDepth
from pytest_unicomp.run import compress
from pytest_unicomp.store.local import Store
from tests.methods.tiny import calibration, checkpoint
from tests.toys import reference


def how(folder: Path, text: Calibration) -> compress.Compression:
    def say(line: str) -> None:
        pass

    return compress.Compression(
        store=Store(folder), seed=0, device="cpu", calibration_identity=dict, calibration=lambda: text, progress=say, detail=say
    )


def test_the_artifact_names_the_text_that_a_method_asked_for_and_not_the_smaller_one_it_was_offered(tmp_path: Path) -> None:
    model: Any = reference(str(checkpoint(tmp_path / "model")))
    text = replace(calibration(documents=8), more=lambda samples: calibration(documents=samples))
    method = MinitronDepth(steps=6, batch=4, sequence=64, warmup=1, judged=2)
    made = compress.compress(model, "depth", method, how(tmp_path / "store", text))
    assert made.calibration is not None
    assert made.calibration.samples == 26
    few = compress.compress(model, "depth", replace(method, samples=12), how(tmp_path / "store", text))
    assert few.calibration is not None
    assert few.calibration.samples == 12
    assert few.fingerprint != made.fingerprint
    # Six steps of four rows of 64 tokens.
    assert made.training_tokens == 6 * 4 * 64


def test_methods_of_equal_settings_make_artifacts_of_their_own(tmp_path: Path) -> None:
    model = reference(str(checkpoint(tmp_path / "model")))
    recipes = {name: methods()[name] for name in ("spinquant-w4a16", "w4a16-asym")}
    settings = [
        invocation.for_model(method, json.loads((Path(model.path) / "config.json").read_text())).settings() for method in recipes.values()
    ]
    assert settings[0] == settings[1]
    made = [compress.compress(model, name, method, how(tmp_path / "store", calibration())) for name, method in recipes.items()]
    assert made[0].fingerprint != made[1].fingerprint
    assert [artifact.settings["method"] for artifact in made] == ["spinquant", "w4a16-asym"]
