"""Progress of a run: plain lines in a log, nothing under -q, and nothing that breaks xdist."""

import re
from dataclasses import dataclass, field

from pytest_unicomp.plugin import progress
from pytest_unicomp.run.step import Step

LINE = re.compile(r"unicomp \[(\d+)/(\d+), \d+ s(?:, about \d+ (?:s|min|h) left)?\] (\w+) (\S+)")


def steps(result):
    return [found for line in result.outlines if (found := LINE.match(line))]


def test_a_log_names_each_step_how_many_are_left_and_for_which_recipe(gate, tmp_path, store):
    import shutil

    # The artifacts are there, the measurements are not.
    shutil.copytree(store / "artifacts", tmp_path / "store" / "artifacts")
    gate.store = tmp_path / "store"
    result = gate(recipe="rtn-w8a16,wanda-2of4", benchmark="nano-knowledge,nano-safety")
    found = steps(result)
    assert [(step[3], step[4]) for step in found] == [
        ("evaluate", "reference"),
        ("evaluate", "reference"),
        ("evaluate", "rtn-w8a16"),
        ("evaluate", "rtn-w8a16"),
        ("evaluate", "wanda-2of4"),
        ("evaluate", "wanda-2of4"),
    ]
    places = [int(step[1]) for step in found]
    assert places == sorted(set(places))
    assert {int(step[2]) for step in found} == {8}
    assert places[-1] == 8
    lines = [line for line in result.outlines if LINE.match(line)]
    assert "; left: " in lines[0]
    assert "wanda-2of4 3" in lines[0]
    assert "about" in lines[-2]
    assert "\x1b" not in "".join(lines)
    assert "\r" not in "".join(lines)


def test_nothing_is_told_under_q_nor_where_everything_is_in_the_store(gate, tmp_path):
    gate.store = tmp_path / "store"
    assert steps(gate("-q", benchmark="bytes")) == []
    assert steps(gate(benchmark="bytes")) == []


@dataclass
class Log:
    """A terminal reporter that writes into a file, and the configuration and plugin manager that lead to it."""

    lines: list[str] = field(default_factory=list)
    verbosity: int = 0
    isatty: bool = False

    @property
    def pluginmanager(self):
        return self

    def get_plugin(self, name):
        return self if name == "terminalreporter" else None

    def ensure_newline(self):
        pass

    def write_line(self, line):
        self.lines.append(line)


def test_a_log_says_from_time_to_time_what_happens_inside_a_long_step(monkeypatch):
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    log = Log()
    shown = progress.Progress(log)
    shown(Step("compress", "gptq-w4a16"))
    for now in (1.0, 29.0, 31.0, 32.0, 62.0):
        shown.detail(f"block at {now:.0f} s")
    assert [line.partition(": ")[2] for line in log.lines[1:]] == ["block at 31 s", "block at 62 s"]
    assert all("compress gptq-w4a16" in line for line in log.lines)
