from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.calibration import mixture


def test_a_bundle_without_the_data_names_the_folder_and_the_ways_out(tmp_path: Path) -> None:
    folder = tmp_path / "HuggingFaceH4" / "ultrachat_200k"
    with pytest.raises(UsageProblem, match=f"needs {folder}.*choose another mixture, give a FILE.jsonl"):
        mixture.validate("instruction", tmp_path, "some/model")
    for name in ("generic", "reasoning", "multilingual"):
        with pytest.raises(UsageProblem, match="which the bundle lacks"):
            mixture.validate(name, tmp_path, "some/model")
        mixture.validate(name, tmp_path, "nano")
