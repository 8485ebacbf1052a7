from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.benchmarks import dataset


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle" / "allenai" / "ai2_arc" / "ARC-Easy"
    folder.mkdir(parents=True)
    (folder / "test.jsonl").write_text('{"question": "?"}\n')
    return tmp_path / "bundle"


def test_a_missing_data_set_is_named_with_the_nearest_one_present(bundle: Path) -> None:
    with pytest.raises(UsageProblem, match=r"the bundle lacks allenai/ai3_arc; expected it at .*Did you mean 'allenai/ai2_arc'"):
        dataset.require("allenai/ai3_arc", ["ARC-Easy"], bundle)


def test_a_missing_configuration_is_named_with_the_nearest_one_present(bundle: Path) -> None:
    with pytest.raises(UsageProblem, match=r"configuration ARC-Eazy.*Did you mean 'ARC-Easy'"):
        dataset.require("allenai/ai2_arc", ["ARC-Eazy"], bundle)
    dataset.require("allenai/ai2_arc", ["ARC-Easy"], bundle)


def test_the_digest_follows_the_content_and_not_the_place(bundle: Path, tmp_path: Path) -> None:
    first = dataset.digest("allenai/ai2_arc", ["ARC-Easy"], bundle)
    moved, changed = tmp_path / "moved", tmp_path / "changed"
    shutil.copytree(bundle, moved)
    shutil.copytree(bundle, changed)
    (changed / "allenai/ai2_arc/ARC-Easy/test.jsonl").write_text('{"question": "!"}\n')
    assert dataset.digest("allenai/ai2_arc", ["ARC-Easy"], moved) == first
    assert dataset.digest("allenai/ai2_arc", ["ARC-Easy"], changed) != first
    assert dataset.digest("allenai/ai2_arc", ["ARC-Easy"], None) == "hub:allenai/ai2_arc"
