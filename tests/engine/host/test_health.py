"""Load by other processes and a throttled GPU are timing problems; our own load is not."""

import subprocess
import sys
import time

import pytest

from pytest_unicomp.api.records import HostHealth
from pytest_unicomp.engine.host import nvml
from pytest_unicomp.engine.host.health import HostMonitor, timing_problem


@pytest.mark.parametrize(
    ("gpu", "reason"),
    [
        ({"gpu_others": 2}, "other processes use the GPU (2)"),
        ({"gpu_throttled": "heat"}, "the GPU's clock is throttled by heat"),
        ({"gpu_others": 0, "gpu_megahertz": (1980, 1980)}, None),
    ],
)
def test_a_gpu_in_use_by_others_or_throttled_is_a_timing_problem(gpu, reason):
    assert timing_problem(HostHealth(cores=2, busy_cores=1.0, others_busy_cores=0.0, load=None, megahertz=None, **gpu)) == reason


@pytest.mark.parametrize(
    ("busy", "others", "healthy"),
    [(1.95, 0.05, True), (1.95, 0.9, False), (1.2, 0.9, True), (None, None, True)],
)
def test_load_by_others_is_a_timing_problem_only_on_a_busy_machine(busy, others, healthy):
    reason = timing_problem(HostHealth(cores=2, busy_cores=busy, others_busy_cores=others, load=None, megahertz=None))
    assert (reason is None) is healthy
    if not healthy:
        assert reason == "other processes kept 0.9 of the machine's 2 cores busy"


@pytest.mark.parametrize(("seconds", "throttled"), [((3.0, 5.0), "heat"), ((3.0, 3.0), None), ((None, 5.0), None), ((3.0, None), None)])
def test_heat_during_the_rounds_counts_though_the_clock_is_up_again_at_their_end(monkeypatch, seconds, throttled):
    counted = iter(seconds)
    monkeypatch.setattr(nvml, "heat_seconds", lambda device: next(counted))
    assert HostMonitor("cuda:0").health().gpu_throttled == throttled


def test_our_own_load_is_not_that_of_others():
    watch = HostMonitor()
    total = sum(number * number for number in range(3_000_000))
    found = watch.health()
    assert total > 0
    if found.busy_cores is not None:
        assert found.others_busy_cores <= found.busy_cores


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sessions are read from /proc")
def test_the_load_of_a_server_that_we_started_is_not_that_of_others():
    spin = "import time; print('on', flush=True); n = 0\nwhile time.process_time() < 0.5: n += 1\nprint('done', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE, start_new_session=True) as server:
        server.stdout.readline()
        started = time.perf_counter()
        with_session, without = HostMonitor(sessions=[server.pid]), HostMonitor()
        # Half a second of a core, however long it takes on a machine that others keep busy.
        server.stdout.readline()
        seconds = time.perf_counter() - started
        ours, others = with_session.health(), without.health()
        server.kill()
    assert (others.others_busy_cores - ours.others_busy_cores) * seconds > 0.3
