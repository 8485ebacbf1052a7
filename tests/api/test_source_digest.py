from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.source_digest import files_digest, package_digest, source_digest
from pytest_unicomp.run import evaluate


def test_a_package_that_is_not_there_is_an_error_and_no_digest_of_nothing() -> None:
    with pytest.raises(InfrastructureError, match=r"no source files of pytest_unicomp\.moved_away"):
        package_digest("pytest_unicomp.moved_away")


def test_one_package_that_is_gone_is_found_among_others() -> None:
    with pytest.raises(InfrastructureError, match="moved_away"):
        package_digest("pytest_unicomp.engine", "pytest_unicomp.engine.moved_away")


def test_a_package_without_code_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InfrastructureError, match="no source files of hollow"):
        package_digest("hollow")


def test_no_files_at_all_are_an_error() -> None:
    with pytest.raises(InfrastructureError, match="no source files of kernels"):
        files_digest([], "kernels")


def test_any_change_of_a_module_changes_the_digest_of_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels_of_a_test").mkdir()
    code = tmp_path / "kernels_of_a_test" / "__init__.py"
    code.write_text("a = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = package_digest("kernels_of_a_test")
    package_digest.cache_clear()
    code.write_text("a = 2\n")
    assert package_digest("kernels_of_a_test") != before


def test_every_package_that_measurements_share_is_found() -> None:
    for name in evaluate.SHARED:
        assert len(package_digest(name)) == 16


def test_any_change_of_a_base_class_in_another_module_changes_the_digest_of_an_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bases_of_a_test.py").write_text("class Base:\n    pass\n")
    (tmp_path / "entries_of_a_test.py").write_text("from bases_of_a_test import Base\nclass Entry(Base):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    entry = importlib.import_module("entries_of_a_test").Entry()
    before = source_digest(entry)
    (tmp_path / "bases_of_a_test.py").write_text("class Base:\n    seed = 1\n")
    assert source_digest(entry) != before


def test_a_recipe_from_outside_is_covered_with_the_package_of_its_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from pytest_unicomp.methods.method import CompressionMethod\nclass Outside(CompressionMethod):\n    pass\nclass Alone:\n    pass\n"
    )
    (tmp_path / "outside_of_a_test.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("outside_of_a_test")
    read: list[Path] = []
    monkeypatch.setattr(Path, "read_bytes", lambda self: read.append(self) or b"")
    source_digest(module.Alone)
    assert [path.name for path in read] == ["outside_of_a_test.py"]
    source_digest(module.Outside)
    assert {"outside_of_a_test.py", "method.py", "one_shot.py"} <= {path.name for path in read[1:]}
