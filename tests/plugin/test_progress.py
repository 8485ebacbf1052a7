"""What a run shows while it works: a live line below pytest's dots, a line a minute in a log, nothing under -q, and nothing that breaks xdist."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest

from pytest_unicomp.plugin.progress import Progress
from pytest_unicomp.run.step import Step

LINE = re.compile(r"unicomp \[(\d+)/(\d+), \d+ s(?:, about \d+ (?:s|min|h) left)?\] (\w+) (\S+)")


def steps(result):
    return [found for line in result.outlines if (found := LINE.match(line))]


class Terminal:
    """A terminal, or a log, that pytest has written some dots to."""

    def __init__(self, *, isatty, dots=5, width=60):
        self.isatty, self.verbosity = isatty, 0
        self._tw = SimpleNamespace(fullwidth=width, width_of_current_line=dots)


@pytest.fixture
def shown():
    def make(**words):
        terminal, now, stream = Terminal(**words), [0.0], io.StringIO()
        config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin={"terminalreporter": terminal}.get))
        progress = Progress(config, clock=lambda: now[0], stream=stream)
        progress.expect([Step("compress", "a"), Step("evaluate", "a", "one")])
        return progress, now, stream

    made = []

    def remembered(**words):
        made.append(make(**words))
        return made[-1]

    yield remembered
    for progress, _, _ in made:
        progress.close()


def test_a_log_gets_one_line_a_minute_with_what_remains_and_what_happens_inside(shown):
    progress, now, stream = shown(isatty=False)
    progress(Step("compress", "a"))
    for second in range(1, 125):
        now[0] = float(second)
        progress.detail(f"layer {second} of 200")
    assert stream.getvalue().splitlines() == [
        "",
        "unicomp [1/2, 0 s] compress a",
        "",
        "unicomp [1/2, 60 s] compress a (60 s): layer 60 of 200",
        "",
        "unicomp [1/2, 120 s] compress a (120 s): layer 120 of 200",
    ]


def test_a_long_step_that_reports_nothing_is_shown_again(shown, monkeypatch):
    monkeypatch.setattr("pytest_unicomp.plugin.progress.LIVE_EVERY", 0.01)
    progress, now, stream = shown(isatty=False, dots=0)
    progress(Step("evaluate", "a", "one"))
    now[0] = 61.0
    for _ in range(200):
        if len(stream.getvalue().splitlines()) == 2:
            break
        progress._closed.wait(0.01)
    assert stream.getvalue().splitlines()[1] == "unicomp [1/2, 61 s] evaluate a on one (61 s)"


def test_a_live_line_leaves_the_cursor_behind_pytests_last_dot_and_is_never_wider_than_the_terminal(shown):
    progress, _, stream = shown(isatty=True, dots=7)
    progress(Step("compress", "a"))
    progress.detail("a very long message " * 10)
    progress.clear()
    pieces = stream.getvalue().split("\r\x1b[2K\x1b[1A\x1b[8G")
    assert pieces[-1] == ""
    assert [piece[0] for piece in pieces[:-1]] == ["\n", "\n"]
    assert max(len(piece) for piece in pieces) <= 60


def test_a_gate_shows_its_first_step_in_a_log_and_no_more_within_a_minute(gate, tmp_path, store):
    import shutil

    # The artifacts are there, the measurements are not.
    shutil.copytree(store / "artifacts", tmp_path / "store" / "artifacts")
    gate.store = tmp_path / "store"
    result = gate(recipe="rtn-w8a16", benchmark="nano-knowledge")
    found = steps(result)
    assert [(step[3], step[4]) for step in found] == [("evaluate", "reference")]
    assert "\x1b" not in result.stdout.str()
    # The name of a file of tests is written once, whatever was shown between its dots.
    assert sum("test_performance.py" in line for line in result.outlines) == 1


def test_nothing_is_shown_under_q_nor_where_everything_is_in_the_store(gate, tmp_path):
    gate.store = tmp_path / "store"
    assert steps(gate("-q", benchmark="bytes")) == []
    assert steps(gate(benchmark="bytes")) == []
