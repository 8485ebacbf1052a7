"""A fault of the program itself is one line and exit code 7, never 1, which reads as FAIL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_unicomp import cli
from pytest_unicomp.api.unforeseen import unforeseen


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("deep"), MemoryError()])
def test_an_exception_that_nobody_foresaw_is_one_line_with_its_trace_in_a_file(monkeypatch, capsys, error):
    def fail(**_):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 7
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"unicomp: unforeseen error: {type(error).__name__}")
    file = Path(re.search(r"the trace is in (\S+);", line)[1])
    assert "in fail" in file.read_text(encoding="utf-8")
    file.unlink()


def test_an_error_of_many_lines_is_one_line():
    assert len(unforeseen(ValueError("a\nb\nc" * 1000)).splitlines()) == 1
