"""A pytest plugin that, instead of the tests once, runs for each mutant the tests that reach it, in a process forked for it."""

from __future__ import annotations

import fnmatch
import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

from tests.mutation.results import REFUSED, SURVIVES

# A test that takes longer (seconds of processor time) is not run: it costs more than it finds, and who kills a mutant should say why.
LONGEST = 2.0
# What each test reaches, beside the mutants.
REACH = Path("reach.json")
KILLED, TIMEOUT, SURVIVED, UNREACHED = 1, 36, 0, 33


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare which mutants are run; without any, all that were not run yet."""
    parser.addoption("--mutants", action="append", default=[], help="pattern of names of mutants")
    parser.addoption("--survivors", action="store_true", help="run those again that survived")
    parser.addoption("--at-once", type=int, default=2, help="mutants that are tried at the same time")
    parser.addoption("--seconds-each", type=float, default=60.0, help="most seconds of processor time for the tests of one mutant")


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Find out which tests reach which function, then try the mutants."""
    reach = _reached(session.items, session.config.getoption("--seconds-each"))
    running: dict[int, tuple[Path, str]] = {}
    # What is here already is not looked through again by the collector of each child, which would also copy its pages.
    gc.collect()
    gc.freeze()
    for path, key in _chosen(session.config.getoption("--mutants"), session.config.getoption("--survivors")):
        tests = reach.get(key.partition("__mutmut_")[0], [])
        if not tests:
            _note(path, key, UNREACHED)
            continue
        running[_forked(key, tests)] = (path, key)
        if len(running) == session.config.getoption("--at-once"):
            _wait(running)
    while running:
        _wait(running)
    return True


def _wait(running: dict[int, tuple[Path, str]]) -> None:
    """Wait for one of the processes and note how its mutant ended."""
    child, status = os.wait()
    code = TIMEOUT if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)
    _note(*running.pop(child), code)


def _note(path: Path, key: str, code: int) -> None:
    """Keep the answer of a mutant at once, so that a run can be stopped."""
    data = json.loads(path.read_text(encoding="utf-8"))
    data["exit_code_by_key"][key] = code
    path.write_text(json.dumps(data), encoding="utf-8")
    if code in SURVIVES:
        sys.__stdout__.write(f"survives: {key}\n")
        sys.__stdout__.flush()


def _chosen(patterns: Sequence[str], survivors: bool) -> Iterator[tuple[Path, str]]:
    """Yield the mutants that match a pattern, in the order of the patterns; without any, those that were not run. `survivors`: those alone."""
    codes = {
        (path, key): code
        for path in sorted(Path("pytest_unicomp").rglob("*.py.meta"))
        for key, code in json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].items()
        if code != REFUSED and (code in SURVIVES if survivors else patterns or code is None)
    }
    for pattern in patterns or ["*"]:
        yield from (one for one in codes if fnmatch.fnmatch(one[1], pattern))


def _reached(items: Sequence[pytest.Item], most: float) -> dict[str, list[tuple[float, pytest.Item]]]:
    """Return, per function, the seconds and the tests that reach it, those of its own file and the quick first, up to `most` seconds."""
    found: dict[str, list[tuple[float, pytest.Item]]] = {}
    for item, (seconds, functions) in zip(items, _measured(items), strict=True):
        for name in functions if seconds <= LONGEST else ():
            found.setdefault(name, []).append((seconds, item))
    for name, tests in found.items():
        own = f"test_{name.split('.')[-2]}.py"
        tests.sort(key=lambda one, own=own: (one[1].path.name != own, one[0]))
        ends = accumulate(seconds for seconds, _ in tests)
        found[name] = [test for test, end in zip(tests, ends, strict=True) if end <= most] or tests[:1]
    return found


def _measured(items: Sequence[pytest.Item]) -> Iterator[tuple[float, list[str]]]:
    """Yield the seconds of each test on the code as it is, and the functions that it reaches; tests and code that did not change are not run again."""
    code = b"".join(path.read_bytes() for path in sorted(Path("pytest_unicomp/compare").rglob("*.py")))
    toys = b"".join(path.read_bytes() for path in sorted(Path("tests").rglob("toy*.py")))
    digests = {path: sha256(code + toys + path.read_bytes()).hexdigest() for path in {item.path for item in items}}
    known = json.loads(REACH.read_text(encoding="utf-8")) if REACH.exists() else {}
    for item in items:
        key = f"{item.nodeid} {digests[item.path]}"
        if key not in known:
            known[key] = _run(item)
        yield known[key]
    REACH.write_text(json.dumps(known), encoding="utf-8")


def _run(item: pytest.Item) -> tuple[float, list[str]]:
    set_mutant_under_test("stats")
    state()._stats.clear()
    started = time.process_time()
    failed = [report for report in runtestprotocol(item, log=False, nextitem=None) if report.failed]
    if failed:
        raise pytest.UsageError(f"{item.nodeid} fails without any mutant: {failed[0].longreprtext}")
    return time.process_time() - started, sorted(state()._stats)


def _passes(item: pytest.Item, after: pytest.Item | None) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=after))


def _forked(key: str, tests: Sequence[tuple[float, pytest.Item]]) -> int:
    """Return the process that runs the tests on one mutant until one fails; its exit code says how it ended, a signal that it took too long."""
    child = os.fork()
    if child:
        return child
    limit = int(3 + 5 * sum(seconds for seconds, _ in tests))
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    signal.alarm(30 * limit)
    set_mutant_under_test(key)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        following = [*(item for _, item in tests[1:]), None]
        passed = all(_passes(item, after) for (_, item), after in zip(tests, following, strict=True))
    os._exit(SURVIVED if passed else KILLED)
