from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import gguf, hub
from pytest_unicomp.checkpoints.hub import NANO
from tests.checkpoints.gguf import gguf_toys


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gguf_toys.write(NANO, tmp_path_factory.mktemp("gguf") / "nano-Q8_0.gguf")


def test_a_file_a_folder_with_one_and_a_file_of_the_bundle_lead_to_the_file(nano, tmp_path):
    bundled = tmp_path / "bundle/org/name-GGUF/name-Q8_0.gguf"
    bundled.parent.mkdir(parents=True)
    bundled.write_bytes(nano.read_bytes())
    assert hub.resolve(str(nano), None) == nano
    assert hub.resolve(str(nano.parent), None) == nano
    assert hub.resolve("org/name-GGUF/name-Q8_0.gguf", tmp_path / "bundle") == bundled
    assert hub.resolve("org/name-GGUF", tmp_path / "bundle") == bundled


def test_a_folder_with_two_formats_is_refused(nano, tmp_path):
    (tmp_path / "model.gguf").write_bytes(nano.read_bytes())
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageProblem, match=r"holds two formats, model\.gguf and config\.json; expected one"):
        hub.validate(str(tmp_path), None)


def test_a_folder_with_several_files_asks_for_one(nano, tmp_path):
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(nano.read_bytes())
    with pytest.raises(UsageProblem, match=r"holds 2 GGUF files; expected one: give the file, for instance \S+a\.gguf"):
        hub.validate(str(tmp_path), None)


@pytest.mark.parametrize("name", ["missing.gguf", "./org/name/missing.gguf", "/nowhere/model.gguf"])
def test_a_file_that_is_not_there_says_so(name):
    with pytest.raises(UsageProblem, match="does not exist; give an existing file, or one of the hub"):
        hub.validate(name, None)


def test_with_a_bundle_nothing_is_fetched(tmp_path):
    with pytest.raises(UsageProblem, match=r"the bundle has no file org/name/model\.gguf"):
        hub.validate("org/name/model.gguf", tmp_path)


def test_a_file_of_the_hub_may_lie_in_a_folder_of_its_repository():
    hub.validate("org/name-GGUF/Q4_K_M/model-Q4_K_M.gguf", None)
    assert gguf.local("org/name-GGUF/Q4_K_M/model-Q4_K_M.gguf", None) is None
