"""A time limit ends the process once, with a line for whatever goes wrong on the way, and a test that has ended is left alone."""

from __future__ import annotations

import os
import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_unicomp.plugin.time_limit import TimeLimit

ITEM = cast("pytest.Item", SimpleNamespace(fixturenames=("unicomp",), nodeid="test_x"))


class Breaking:
    """Stands in for the recorder of lost tests, and breaks."""

    def note(self, item: pytest.Item, error: Exception) -> None:
        raise RuntimeError("the disk is full")


def limit() -> TimeLimit:
    return TimeLimit(cast("Any", Breaking()), lambda session, status: None, cast("Any", None))


@pytest.fixture
def exits(monkeypatch):
    codes, ended = [], threading.Event()
    monkeypatch.setattr(os, "_exit", lambda code: (codes.append(code), ended.set()))
    return SimpleNamespace(codes=codes, wait=lambda: ended.wait(10))


def test_what_breaks_while_the_process_ends_is_printed(exits, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    limit().pytest_timeout_set_timer(ITEM, SimpleNamespace(timeout=0.01))
    assert exits.wait()
    assert exits.codes == [7]
    assert "the disk is full" in capfd.readouterr().err


def test_a_clock_that_rings_as_its_test_ends_does_not_end_the_run(exits):
    clock = limit()
    clock.pytest_timeout_set_timer(ITEM, SimpleNamespace(timeout=0.05))
    timer = clock._timer
    assert timer is not None
    with clock._passed:
        # By now the thread is past the point at which it could be cancelled, and waits.
        time.sleep(0.2)
        clock._timer = None
    timer.join(10)
    assert exits.codes == []


@pytest.mark.parametrize(("where", "printed"), [({}, ["verdict"]), ({"workerinput": {}}, [])])
def test_jobs_and_servers_are_ended_in_a_worker_of_xdist_too_which_prints_no_verdict(exits, capfd, where, printed):
    done: list[str] = []
    config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda name: None), **where)
    session = SimpleNamespace(shouldstop=False)
    item = cast("pytest.Item", SimpleNamespace(fixturenames=("unicomp",), nodeid="test_x", config=config, session=session))
    clock = TimeLimit(
        cast("Any", SimpleNamespace(note=lambda item, error: None)),
        lambda session, status: done.append("finished"),
        cast("Any", SimpleNamespace(print_all=lambda session: done.append("verdict"))),
    )
    clock.pytest_timeout_set_timer(item, SimpleNamespace(timeout=0.01))
    assert exits.wait()
    assert done == ["finished", *printed]
    assert ("test_x: unicomp: not done after 0.01 s" in capfd.readouterr().err) == bool(where)
