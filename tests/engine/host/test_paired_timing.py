"""Paired rounds: the reference goes before every other round of the candidate and after the rest, and the host is watched meanwhile."""

import subprocess
import sys
import time

import pytest

from pytest_unicomp.api.records import HostHealth
from pytest_unicomp.engine.host import nvml
from pytest_unicomp.engine.host.health import Watch
from pytest_unicomp.engine.host.health import problem as told
from pytest_unicomp.engine.host.paired_timing import PairedRounds, on_device

ORDER = ["reference", "candidate", "candidate", "reference"]


def test_the_order_alternates_and_rounds_of_the_warm_up_are_dropped():
    calls = []
    rounds = PairedRounds(lambda: calls.append("reference"), lambda: calls.append("candidate"))
    for _ in range(6):
        rounds.before()
        rounds.candidate()
    rounds.finish([0.1, 0.2, 0.3, 0.4])
    assert calls == ORDER * 3
    assert len(rounds.reference_seconds) == 4


def test_an_odd_number_of_rounds_settles_what_is_owed():
    calls = []
    rounds = PairedRounds(lambda: calls.append("reference"), lambda: calls.append("candidate"))
    for _ in range(2):
        rounds.before()
        rounds.candidate()
    rounds.finish([0.1, 0.2])
    assert calls == ORDER
    rounds.finish([0.1, 0.2])
    assert calls == ORDER


def test_paired_rounds_survive_their_document():
    health = {"cores": 2, "busy_cores": 1.9, "others_busy_cores": 0.1, "load": 0.5, "megahertz": None}
    health |= {"gpu_others": 0, "gpu_megahertz": [1410, 1980], "gpu_throttled": None, "joules": 12.5}
    document = {
        "reference_seconds": [1.0, 2.0],
        "candidate_seconds": [3.0, 4.0],
        "ratios": [3.0, 2.0],
        "kernels": ["a", "b"],
        "health": health,
    }
    assert PairedRounds.of(document).extra_info() == document


def test_pytest_benchmark_pairs_every_timed_round(benchmark):
    order = []
    rounds = PairedRounds(lambda: order.append("reference"), lambda: order.append("candidate"))
    benchmark.pedantic(rounds.candidate, setup=rounds.before, rounds=4, warmup_rounds=2, iterations=1)
    if benchmark.disabled:
        assert order == ["reference", "candidate"]
        return
    rounds.finish(benchmark.stats.stats.data)
    assert order == ORDER * 3
    assert len(rounds.reference_seconds) == len(rounds.candidate_seconds) == 4
    assert rounds.health is not None


def test_a_round_that_counts_its_own_seconds_is_believed():
    rounds = PairedRounds(lambda: 2.0, lambda: 3.0)
    for _ in range(4):
        rounds.before()
        rounds.candidate()
    rounds.finish([9.0, 9.0])
    assert (rounds.reference_seconds, rounds.candidate_seconds) == ([2.0, 2.0], [3.0, 3.0])


def test_the_device_clock_gives_seconds_and_what_was_computed():
    seconds, found = on_device("cpu", lambda: sum(range(100_000)))
    assert (seconds > 0, found) == (True, 4_999_950_000)


@pytest.mark.parametrize(
    ("gpu", "problem"),
    [
        ({"gpu_others": 2}, "processes of others use the GPU (2)"),
        ({"gpu_throttled": "heat"}, "heat holds the GPU's clock down"),
        ({"gpu_others": 0, "gpu_megahertz": (1980, 1980)}, None),
    ],
)
def test_a_gpu_that_is_shared_or_hot_is_not_healthy(gpu, problem):
    assert told(HostHealth(cores=2, busy_cores=1.0, others_busy_cores=0.0, load=None, megahertz=None, **gpu)) == problem


def test_a_cpu_has_no_counters_of_a_gpu():
    assert (nvml.energy("cpu"), nvml.clocks("cpu"), nvml.others("cpu"), nvml.throttled("cpu")) == (None,) * 4


@pytest.mark.parametrize(
    ("busy", "others", "healthy"),
    [(1.95, 0.05, True), (1.95, 0.9, False), (1.2, 0.9, True), (None, None, True)],
)
def test_a_host_is_healthy_unless_others_take_what_the_timing_needs(busy, others, healthy):
    problem = told(HostHealth(cores=2, busy_cores=busy, others_busy_cores=others, load=None, megahertz=None))
    assert (problem is None) is healthy
    if not healthy:
        assert problem == "other processes kept 0.9 of the machine's 2 cores busy"


def test_own_work_is_not_that_of_others():
    watch = Watch()
    total = sum(number * number for number in range(3_000_000))
    found = watch.health()
    assert total > 0
    if found.busy_cores is not None:
        assert found.others_busy_cores <= found.busy_cores


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sessions are read from /proc")
def test_work_of_a_server_that_was_started_is_not_that_of_others():
    spin = "import sys, time; end = time.perf_counter() + 2; print('on', flush=True); n = 0\nwhile time.perf_counter() < end: n += 1"
    with subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE, start_new_session=True) as server:
        server.stdout.readline()
        ours, theirs = Watch(sessions=[server.pid]), Watch()
        time.sleep(1)
        counted, blamed = ours.health(), theirs.health()
        server.kill()
    assert blamed.others_busy_cores - counted.others_busy_cores > 0.2
