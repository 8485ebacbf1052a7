"""The option `--cache` of several commands."""

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.store_option import open_store


def test_a_folder_that_does_not_exist_yet_is_an_empty_store_and_is_not_made(tmp_path):
    assert open_store(str(tmp_path / "new")).root == tmp_path / "new"
    assert not (tmp_path / "new").exists()


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(UsageProblem, match=r"--cache .*x is a file; expected the folder of a store"):
        open_store(str(tmp_path / "x"))
