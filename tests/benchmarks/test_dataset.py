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


def test_data_that_change_between_two_runs_of_one_process_have_another_digest(bundle: Path) -> None:
    file = bundle / "allenai/ai2_arc/ARC-Easy/test.jsonl"
    first = dataset.digest("allenai/ai2_arc", ["ARC-Easy"], bundle)
    file.write_text('{"question": "one more"}\n')
    assert dataset.digest("allenai/ai2_arc", ["ARC-Easy"], bundle) != first


@pytest.mark.parametrize("place", ["test.jsonl", "data/test-00000.parquet", "default/test.jsonl"])
def test_the_default_configuration_has_its_data_in_the_digest_wherever_they_lie(tmp_path: Path, place: str) -> None:
    file = tmp_path / "HuggingFaceH4/MATH-500" / place
    file.parent.mkdir(parents=True)
    file.write_bytes(b"2 + 2 = ?")
    dataset.require("HuggingFaceH4/MATH-500", ["default"], tmp_path)
    first = dataset.digest("HuggingFaceH4/MATH-500", ["default"], tmp_path)
    file.write_bytes(b"2 + 3 = ?, and more")
    assert dataset.digest("HuggingFaceH4/MATH-500", ["default"], tmp_path) != first


def test_a_readme_that_says_something_else_about_the_same_files_changes_the_digest(bundle: Path) -> None:
    readme = bundle / "allenai/ai2_arc/README.md"
    first = dataset.digest("allenai/ai2_arc", ["ARC-Easy"], bundle)
    readme.write_text("---\ndataset_info: {}\n---\n")
    assert dataset.digest("allenai/ai2_arc", ["ARC-Easy"], bundle) != first


def test_a_file_that_only_the_readme_names_is_in_the_digest(bundle: Path) -> None:
    folder = bundle / "allenai/ai2_arc"
    (folder / "README.md").write_text("---\nconfigs:\n- config_name: ARC-Easy\n  data_files: elsewhere/*.jsonl\n---\n")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "test.jsonl").write_text('{"question": "?"}\n')
    first = dataset.digest("allenai/ai2_arc", ["ARC-Easy"], bundle)
    (folder / "elsewhere" / "test.jsonl").write_text('{"question": "another"}\n')
    assert dataset.digest("allenai/ai2_arc", ["ARC-Easy"], bundle) != first
