"""Tables for people: whole and plain in a pipe, wrapped between words on a terminal; JSON for programs."""

import io
import json
import sys

import pytest

from pytest_unicomp.cli.output import say, show

ROWS = [
    {"name": "awq-w4a16", "share": 0.12345, "takes": "all but Gemma 3 and several other architectures that it cannot read"},
    {"name": "x" * 30, "share": None, "takes": "[bold]all[/bold] :smile:"},
]
COLUMNS = ("name", "share", "takes")


class Terminal(io.StringIO):
    """A text stream that claims to be a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    def sized(columns):
        stream = Terminal()
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "1")
        return stream

    return sized


def test_in_a_pipe_a_row_is_one_line_however_long_and_without_colours(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    show([*ROWS, {"name": "y", "share": 1, "takes": "word " * 200 + "end"}], False, COLUMNS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == list(COLUMNS)
    assert lines[1].split(maxsplit=2) == ["awq-w4a16", "0.123", ROWS[0]["takes"]]
    assert lines[3].endswith("word end")
    assert not any("\x1b" in line or line != line.rstrip() for line in lines)


def test_square_brackets_and_colons_are_shown_as_they_are(capsys):
    show(ROWS, False, COLUMNS)
    assert "-      [bold]all[/bold] :smile:" in capsys.readouterr().out


def test_on_a_terminal_sentences_are_wrapped_and_names_are_not(terminal):
    stream = terminal(60)
    show(ROWS, False, COLUMNS)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert any("x" * 30 in line for line in lines)
    assert len(lines) > 3


def test_a_terminal_that_is_too_narrow_for_the_names_gets_them_whole(terminal):
    stream = terminal(20)
    show(ROWS, False, COLUMNS)
    assert "x" * 30 in stream.getvalue()
    assert "architectures" in stream.getvalue()


def test_what_is_longer_than_a_key_of_the_store_may_be_broken(terminal):
    stream = terminal(60)
    show([{"path": "/" + "p" * 99}], False, ("path",))
    assert max(map(len, stream.getvalue().splitlines())) <= 60


def test_no_rows_are_a_heading_alone(capsys):
    show([], False, COLUMNS)
    assert capsys.readouterr().out.split() == list(COLUMNS)


def test_json_holds_all_columns_of_all_rows(capsys):
    show(ROWS, True, ("name",))
    assert json.loads(capsys.readouterr().out) == ROWS


def test_a_table_whose_names_do_not_fit_is_a_paragraph_per_row(terminal):
    stream = terminal(80)
    rows = [{column: letter * 31 for column, letter in zip(("a", "b", "c", "d"), "wxyz", strict=True)}]
    show(rows, False, ("a", "b", "c", "d"))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "w" * 31
    assert all(letter * 31 in stream.getvalue() for letter in "wxyz")


def test_a_sentence_is_folded_on_a_terminal_and_left_alone_in_a_pipe(terminal, capsys):
    say("word " * 40)
    assert len(capsys.readouterr().out.splitlines()) == 1
    stream = terminal(60)
    say("word " * 40)
    assert max(map(len, stream.getvalue().splitlines())) <= 60
