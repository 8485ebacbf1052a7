"""Files that others wrote are read under limits, and what is wrong is one line."""

from __future__ import annotations

import os
import socket

import pytest

from pytest_unicomp.api import foreign
from pytest_unicomp.api.errors import UsageProblem


def test_what_is_no_regular_file_is_refused_without_opening_it(tmp_path):
    pipe, folder, link = tmp_path / "pipe.json", tmp_path / "folder.json", tmp_path / "link.json"
    os.mkfifo(pipe)
    folder.mkdir()
    link.symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(tmp_path / "s.json"))
        for path, kind in ((pipe, "a pipe"), (folder, "a folder"), (link, "a device"), (tmp_path / "s.json", "a socket")):
            with pytest.raises(UsageProblem, match=rf"{path.name} is {kind}; expected a regular file\.$"):
                foreign.read_json(path)


def test_a_folder_with_a_pipe_among_its_weights_is_refused(tmp_path):
    from pytest_unicomp.checkpoints import hub

    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(UsageProblem, match=r"model\.safetensors is a pipe; expected a regular file"):
        hub.validate(str(tmp_path), None)


def test_a_file_beyond_the_limit_is_not_read_whole(tmp_path):
    file = tmp_path / "a.json"
    file.write_bytes(b" " * 101)
    with pytest.raises(UsageProblem, match="is longer than 100 bytes"):
        foreign.read_json(file, 100)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[" * 5000, "is nested too deeply"),
        ("[" * 70 + "]" * 70, "is nested too deeply"),
        ("9" * 41, "a number of 41 digits; at most 40 are read"),
        ("9" * 5000, "a number of 5000 digits"),
        ("1e999", "beyond float64"),
        ("NaN", "NaN is no number of JSON"),
        ("-Infinity", "-Infinity is no number of JSON"),
        ('{"a": 1,\n "a": 2}', "names the key 'a' more than once, in line 2"),
        (b"\xff", "is not UTF-8"),
    ],
)
def test_json_beyond_the_limits_is_refused_in_one_line(text, found):
    with pytest.raises(UsageProblem, match=found) as refused:
        foreign.json_value(text, "here")
    assert len(str(refused.value).splitlines()) == 1


def test_what_is_within_the_limits_is_read():
    assert foreign.json_value("[" * 60 + "]" * 60, "here")
    assert foreign.json_value("1000000000000000019884624838656", "here") == 1000000000000000019884624838656
    assert foreign.json_value("[0.0, Infinity]", "here", infinite=True) == [0.0, float("inf")]
