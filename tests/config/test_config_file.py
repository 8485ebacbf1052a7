"""The configuration file: found in unicomp.toml or pyproject.toml, refused with its line if it is wrong."""

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.config_file import configuration, read_file


def test_a_file_that_is_named_wins_over_the_one_in_the_folder(tmp_path):
    (tmp_path / "unicomp.toml").write_text("limit = 1\n")
    (tmp_path / "mine.toml").write_text("limit = 2\n")
    assert configuration(tmp_path / "mine.toml", [tmp_path])[0] == {"limit": 2}
    assert configuration(None, [tmp_path])[0] == {"limit": 1}


def test_the_first_folder_with_settings_wins_and_unicomp_toml_over_pyproject(tmp_path):
    near, far = tmp_path / "near", tmp_path / "far"
    for folder, limit in ((near, 1), (far, 2)):
        folder.mkdir()
        (folder / "pyproject.toml").write_text(f"[tool.unicomp]\nlimit = {limit}\n")
    assert configuration(None, [near, far])[0] == {"limit": 1}
    (near / "unicomp.toml").write_text("limit = 3\n")
    assert configuration(None, [near, far])[0] == {"limit": 3}


def test_without_a_file_there_are_no_values_and_no_lines(tmp_path):
    values, locations = configuration(None, [tmp_path])
    assert values == {}
    assert locations.location("limit") == "limit"


def test_a_file_that_is_missing_or_not_utf8_is_refused_by_name(tmp_path):
    with pytest.raises(UsageProblem, match=r"gone\.toml cannot be read as TOML"):
        read_file(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes("profile = 'é'".encode("latin-1"))
    with pytest.raises(UsageProblem, match=r"latin\.toml cannot be read as TOML"):
        read_file(tmp_path / "latin.toml")


def test_an_unknown_key_in_a_file_is_refused_with_the_nearest_name(tmp_path):
    (tmp_path / "unicomp.toml").write_text("limt = 3\n")
    with pytest.raises(UsageProblem, match=r"unicomp.toml:1: limt: no option named 'limt'. Did you mean 'limit'"):
        read_file(tmp_path / "unicomp.toml")


def test_a_broken_file_is_refused_with_its_line(tmp_path):
    (tmp_path / "unicomp.toml").write_text("limit = 3\nmargin = = 1\n")
    with pytest.raises(UsageProblem, match="line 2"):
        read_file(tmp_path / "unicomp.toml")


@pytest.mark.parametrize(
    "text",
    [
        "[tool.unicomp]\nmargin = 0.02\n",
        "[tool]\nunicomp.margin = 0.02\n",
        "[ tool . unicomp ]\nmargin = 0.02\n",
        "tool.unicomp = { margin = 0.02 }\n",
        '["tool"."unicomp"]\nmargin = 0.02\n',
    ],
)
def test_settings_in_a_pyproject_are_found_however_they_are_written(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(f"# what unicomp is told\n{text}")
    file, locations = configuration(None, [tmp_path])
    assert file == {"margin": 0.02}
    assert locations.line("margin") == (2 if "{" in text else 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# [tool.unicomp]\ntool = 3\n", r"pyproject.toml:2: tool is 3; expected a table"),
        ("[tool]\nunicomp = 3\n", r"pyproject.toml:2: tool.unicomp is 3; expected a table"),
        ("[[tool.unicomp]]\nmargin = 0.02\n", r"pyproject.toml:1: tool.unicomp is \[.*; expected a table"),
        ("[tool.unicomp\nmargin = 0.02\n", r"pyproject.toml cannot be read as TOML"),
    ],
)
def test_a_pyproject_with_something_else_in_our_place_is_refused_in_one_line(tmp_path, text, words):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageProblem, match=words) as caught:
        configuration(None, [tmp_path])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[tool.other]\nx = '[tool.unicomp]'\n", "# [tool.unicomp]\n", "broken = = 1\n"])
def test_a_pyproject_without_settings_of_ours_is_passed_over(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    assert configuration(None, [tmp_path])[0] == {}
