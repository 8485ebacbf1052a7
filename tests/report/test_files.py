import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Report
from pytest_unicomp.report import SUFFIXES, validate, write


@pytest.mark.parametrize(
    ("suffix", "start"), [(".json", "{"), (".html", "<!doctype html>"), (".md", "## ✗ unicomp"), (".HTML", "<!doctype html>")]
)
def test_the_suffix_decides_the_form(suffix: str, start: str, report: Report, tmp_path: Path) -> None:
    path = tmp_path / "made" / f"gate{suffix}"
    validate(path)
    assert not path.parent.exists()
    write(report, path)
    assert path.read_text(encoding="utf-8").lstrip().startswith(start)
    assert list(path.parent.iterdir()) == [path]


def test_all_suffixes_are_public() -> None:
    assert SUFFIXES == (".json", ".html", ".md")


@pytest.mark.parametrize("name", ["gate.htm", "gate", "gate.pdf", ".html"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(name: str, report: Report, tmp_path: Path) -> None:
    for refuse in (lambda: validate(tmp_path / name), lambda: write(report, tmp_path / name)):
        with pytest.raises(UsageProblem, match=r"expected one of \.json, \.html, \.md\."):
            refuse()
    assert list(tmp_path.iterdir()) == []


def test_a_near_suffix_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"Did you mean '\.html'"):
        validate(tmp_path / "gate.htm")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gate.html").mkdir()
    with pytest.raises(UsageProblem, match="is a folder"):
        validate(tmp_path / "gate.html")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageProblem, match="out is a file; expected a folder"):
        validate(tmp_path / "out" / "gate.html")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageProblem, match="not writable"):
        validate(tmp_path / "gate.html")


def test_asking_whether_a_report_can_be_written_loads_no_templates() -> None:
    code = "import sys, pathlib, pytest_unicomp.report as r; r.validate(pathlib.Path('x.html')); print('jinja2' in sys.modules, 'jsonschema' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
