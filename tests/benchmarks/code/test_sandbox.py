"""Hostile solutions, which really run: each must fail, harm nothing, and never pass."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.benchmarks.code import sandbox
from pytest_unicomp.benchmarks.code.inside import wire
from pytest_unicomp.benchmarks.code.sandbox import Limits, Outcome, run

isolated = pytest.mark.skipif(sandbox.refusal() is not None, reason=f"no sandbox here: {sandbox.refusal()}")
pytestmark = isolated
PROBE = "pytest_unicomp/benchmarks/code/inside/probe.py"
QUICK = Limits(seconds=1)
TESTS = "assert answer() == 42"


def verdict(solution: str, tests: str = TESTS, limits: Limits = QUICK) -> str:
    return run(solution, tests, limits).verdict


def test_a_right_solution_passes_and_a_wrong_one_fails() -> None:
    assert run("def answer(): return 42", TESTS) == Outcome("passed")
    assert run("def answer(): return 41", TESTS).verdict == "failed"
    assert "SyntaxError" in run("def answer(: return 42", TESTS).words


def test_a_fork_bomb_ends_with_the_sandbox() -> None:
    started = time.monotonic()
    assert verdict("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass") == "failed"
    assert time.monotonic() - started < 30


def test_files_outside_the_scratch_folder_can_be_neither_read_nor_written(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("42")
    reading = f"def answer(): return int(open({str(tmp_path / 'secret')!r}).read())"
    writing = f"open({str(tmp_path / 'written')!r}, 'w').write('x')\ndef answer(): return 42"
    library = "import os\nopen(os.path.dirname(os.__file__) + '/unicomp_written.py', 'w')\ndef answer(): return 42"
    assert [verdict(one) for one in (reading, writing, library)] == ["failed"] * 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]
    assert not (Path(os.__file__).parent / "unicomp_written.py").exists()


def test_the_scratch_folder_is_empty_small_and_gone_afterwards() -> None:
    keeps = "import os\ndef answer():\n    seen = os.listdir('.')\n    open('mine', 'w').write('x')\n    return 42 if not seen else 0"
    assert [verdict(keeps), verdict(keeps)] == ["passed", "passed"]
    fills = "def answer():\n    for name in range(100): open(str(name), 'wb').write(bytes(2**20))\n    return 42"
    large = "def answer():\n    open('large', 'wb').write(bytes(5 * 2**20))\n    return 42"
    assert [verdict(fills), verdict(large)] == ["failed", "failed"]


def test_the_network_is_out_of_reach_even_on_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        assert verdict(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)\ndef answer(): return 42") == "failed"
        with pytest.raises(TimeoutError):
            server.accept()


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "42")
    assert run("import os\ndef answer(): return dict(os.environ)", "assert answer() == {}") == Outcome("passed")
    libc = (
        "import ctypes\ndef answer():\n    get = ctypes.CDLL(None).getenv\n    get.restype = ctypes.c_char_p\n    return get(b'HF_TOKEN')"
    )
    assert run(libc, "assert answer() is None") == Outcome("passed")


def test_endless_output_goes_nowhere() -> None:
    assert verdict("while True: print('x' * 10_000)") == "failed"
    assert verdict("import os\ndef answer():\n    os.write(1, b'x' * 10**7)\n    return 42") == "passed"


@pytest.mark.parametrize("loop", ["while True: pass", "import time\ntime.sleep(3600)", "import signal\nsignal.pause()"])
def test_what_never_ends_is_ended(loop: str) -> None:
    started = time.monotonic()
    assert verdict(loop) == "failed"
    assert time.monotonic() - started < 15


def test_a_memory_hog_is_stopped() -> None:
    assert "MemoryError" in run("def answer(): return len(bytearray(2**30))", TESTS, QUICK).words
    hoards = "kept = []\ndef answer():\n    while True: kept.append(bytearray(2**24))"
    assert verdict(hoards) == "failed"


def test_the_parent_cannot_be_killed_nor_the_tests_process_signalled() -> None:
    kills = (
        "import os, signal\nfor victim in (os.getppid(), 1, -1, 0):\n    try: os.kill(victim, signal.SIGKILL)\n    except OSError: pass\n"
    )
    assert verdict(kills + "def answer(): return 41") == "failed"
    only_parent = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\ndef answer(): return 42"
    assert verdict(only_parent) == "passed"


def test_a_daemon_is_not_left_behind() -> None:
    mark = f"unicomp-daemon-{os.getpid()}-{time.monotonic_ns()}"
    daemon = (
        "import ctypes, os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        f"        ctypes.CDLL(None).prctl(15, {mark[-15:].encode()!r}, 0, 0, 0)\n"
        "        time.sleep(3600)\n"
        "    os._exit(0)\n"
        "def answer(): return 42"
    )
    assert verdict(daemon) == "passed"
    names = [path.read_text().strip() for path in Path("/proc").glob("[0-9]*/comm") if path.exists()]
    assert mark[-15:] not in names


FORGERIES = {
    "prints a verdict": (
        "import json, os, struct\ndata = json.dumps(['passed', '']).encode()\nfor file in range(64):\n"
        "    try: os.write(file, struct.pack('>I', len(data)) + data)\n    except OSError: pass\n"
    ),
    "ends with success": "import os\nos._exit(0)",
    "exits": "raise SystemExit(0)",
    "exits when asked": "def answer(): raise SystemExit(0)",
    "is equal to everything": "class Anything:\n    def __eq__(self, other): return True\n    def __bool__(self): return True\ndef answer(): return Anything()",
    "is a number equal to everything": "class Anything(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\ndef answer(): return Anything(1)",
    "shadows a built-in": "def answer(): return 41\nAssertionError = type('Quiet', (Exception,), {})\ndef int(x): return 42\nabs = len = int",
    "patches the interpreter": "import builtins\nbuiltins.AssertionError = Exception\nbuiltins.__build_class__ = None\ndef answer(): return 41",
    "answers like the tests' process": "def answer(): return ['passed', '']",
    "sends what is no message": "import os\nfor file in range(3, 64):\n    try: os.write(file, b'\\xff' * 100)\n    except OSError: pass\n",
    "traces the tests": "import ctypes, os\nlibc = ctypes.CDLL(None)\nassert libc.ptrace(16, 1, 0, 0) == 0\ndef answer(): return 42",
    "asks for its capabilities back": "import ctypes\nassert ctypes.CDLL(None).unshare(0x10000000) == 0\ndef answer(): return 42",
    "leaves the root": "import os\nos.chroot('.')\ndef answer(): return 42",
    "mounts": "import ctypes\nassert ctypes.CDLL(None).mount(b'tmpfs', b'/scratch', b'tmpfs', 0, b'') == 0\ndef answer(): return 42",
}


@pytest.mark.parametrize("solution", FORGERIES.values(), ids=FORGERIES)
def test_a_solution_cannot_forge_the_verdict(solution: str) -> None:
    assert verdict(solution) == "failed"


def test_a_solution_does_not_hold_the_tests_in_its_memory() -> None:
    searches = (
        "import gc\n"
        "def answer(): return [1 for one in gc.get_objects() if isinstance(one, (list, tuple, dict)) and ''.join(['marked', '_tests']) in repr(one)[:9999]]"
    )
    assert run(searches, "marked_tests = 1\nassert answer() == []") == Outcome("passed")


def test_values_classes_and_changed_arguments_cross_between_the_processes() -> None:
    solution = (
        "import math\nfrom collections import Counter\n"
        "class Pair:\n    def __init__(self, a, b): self.a, self.b = a, b\n"
        "def total(pairs): return sum(pair.a for pair in pairs)\n"
        "def order(values): values.sort()\n"
        "def count(text): return Counter(text)\n"
        "def squares(n): return (i * i for i in range(n))\n"
        "def refuse(x): raise ValueError('no')\n"
    )
    tests = (
        "assert total([Pair(1, 2), Pair(3, 4)]) == 4\n"
        "pair = Pair(1, 2)\npair.a = 9\nassert pair.a == 9 and total([pair]) == 9\n"
        "values = [3, 1, 2]\norder(values)\nassert values == [1, 2, 3]\n"
        "assert count('aab') == {'a': 2, 'b': 1}\nassert list(squares(3)) == [0, 1, 4]\nassert math.isclose(1, 1)\n"
        "try:\n    refuse(1)\nexcept ValueError:\n    caught = True\nassert caught\n"
    )
    assert run(solution, tests) == Outcome("passed")


def test_the_order_of_a_set_is_the_same_in_every_run() -> None:
    solution = "def answer(): return list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})"
    orders = {run(solution, "raise ValueError(answer())").words for _ in range(3)}
    assert len(orders) == 1


def test_a_machine_that_forbids_namespaces_refuses_and_gives_no_verdict() -> None:
    asks = (
        "from pytest_unicomp.api.errors import InfrastructureError\n"
        "from pytest_unicomp.benchmarks.code import sandbox\n"
        "print(sandbox.refusal())\n"
        "try: print(sandbox.run('x = 1', 'assert x == 1'))\n"
        "except InfrastructureError as error: print(error)\n"
    )
    forbids = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" -c "$1"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", forbids, sys.executable, asks]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"no such machine can be made here: {done.stderr[-200:]}")
    assert len(done.stdout.splitlines()) == 2
    assert all("cannot isolate it: " in line for line in done.stdout.splitlines()), done.stdout


def test_a_system_without_namespaces_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sandbox.refusal.__wrapped__() == "the sandbox needs Linux, this is darwin"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_than_root_can_build_a_sandbox(tmp_path: Path) -> None:
    python = Path("/usr/bin/python3")
    if not python.exists() or subprocess.run([python, "-P", "-c", ""], capture_output=True).returncode:
        pytest.skip("no interpreter that another user can read")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    here = Path(sandbox.__file__).parents[3]
    packages = [here / f"pytest_unicomp/{name}__init__.py" for name in ("", "benchmarks/", "benchmarks/code/")]
    for file in [*Path(sandbox.__file__).parent.glob("inside/*.py"), *packages]:
        copied = tmp_path / file.relative_to(here)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(file.read_text())
    (tmp_path / "root").mkdir()
    messages = sandbox._messages({**vars(Limits()), "folder": str(tmp_path / "root")}, (tmp_path / PROBE).read_text(), sandbox.PROBE)
    start = sandbox._START.replace(str(here), str(tmp_path))
    command = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", python, "-s", "-S", "-P", "-B", "-c", start]
    done = subprocess.run(command, input=messages, capture_output=True, env={})
    assert sandbox._message(done.stdout) == ["passed", ""], done.stderr


simple = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.complex_numbers(allow_nan=False)
)
keys = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
values = st.recursive(
    simple,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner) | st.sets(keys) | st.frozensets(keys),
    max_leaves=20,
)


@given(values)
def test_every_value_arrives_as_it_was_sent(value: object) -> None:
    def never(*_: object) -> int:
        raise AssertionError

    arrived = wire.decode(wire.encode(value, never), never)
    assert arrived == value
    assert type(arrived) is type(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
tagged = st.tuples(st.sampled_from(["list", "tuple", "set", "dict", "bytes", "complex", "object", "frozenset"]), json_values).map(list)


@given(json_values | tagged)
@settings(max_examples=300)
def test_no_json_makes_the_decoder_raise_anything_but_closed(found: object) -> None:
    with contextlib.suppress(wire.Closed):
        wire.decode(found, lambda number, kind: 0)


def test_the_interpreter_has_the_flags_that_the_sandbox_uses() -> None:
    assert sys.version_info >= (3, 11)
