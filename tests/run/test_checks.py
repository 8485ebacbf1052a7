"""Costs become checks: a limit replaces the default ratio, percentiles ask for more rounds, and what nobody recorded is no pass."""

from dataclasses import replace

import pytest

from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.records import HostHealth
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.compare import Policy
from pytest_unicomp.engine.host.paired_timing import ROUNDS, PairedRounds
from pytest_unicomp.run.check_inputs import Pair, Single, Timed
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.evaluate import measure_size
from pytest_unicomp.run.plan import Cell
from tests.toys import artifact

CELL = Cell("rtn-w8a16", "quantization", True, "decode-latency", "latency", "efficiency", "runtime_acceleration", 0)
EVALUATION = Evaluation(limit=None, seed=0, bundle=None, device="cpu", dtype="auto")


def timed(limit, candidate, *, reference=1.0):
    rounds = PairedRounds(lambda: None, lambda: None, ("dense", "int8"))
    rounds.reference_seconds = [reference * (1 + 0.001 * (place % 2)) for place in range(len(candidate))]
    rounds.candidate_seconds = list(candidate)
    return Checker(Policy(), {"decode-latency": limit} if limit else {}).check(CELL, "efficiency", Timed(rounds, ("x",)))


def test_without_a_limit_the_ratio_to_the_reference_decides():
    assert timed(None, [2.0, 2.01] * 6).verdict == "fail"


def test_the_hosts_health_stands_beside_the_timing_and_a_busy_host_decides_nothing():
    rounds = PairedRounds(lambda: None, lambda: None, ("dense", "int8"))
    rounds.reference_seconds, rounds.candidate_seconds = [1.0, 1.01] * 6, [0.5, 0.51] * 6
    rounds.health = HostHealth(
        cores=2, busy_cores=1.9, others_busy_cores=1.2, load=7.5, megahertz=2600.0, gpu_others=1, gpu_megahertz=(1410, 1980), joules=3.5
    )
    check = Checker(Policy()).check(CELL, "efficiency", Timed(rounds, ("x",)))
    assert check.verdict == "inconclusive"
    assert check.reason.startswith("the host was not healthy: other processes use the GPU (1); ")
    assert (check.health.others_busy_cores, check.health.load, check.health.joules) == (1.2, 7.5, 3.5)


def test_a_pass_that_the_host_only_launches_decides_nothing_and_the_reason_says_so():
    rounds = PairedRounds(lambda: None, lambda: None, ("dense", "int8"))
    rounds.reference_seconds, rounds.candidate_seconds = [1.0, 1.01] * 6, [0.5, 0.51] * 6
    rounds.health = HostHealth(cores=2, busy_cores=1.0, others_busy_cores=0.0, load=None, megahertz=None, launching=(0.95, 0.98))
    check = Checker(Policy()).check(CELL, "efficiency", Timed(rounds, ("x",)))
    assert check.verdict == "inconclusive"
    assert check.reason.startswith("launch-bound: the host launches kernels for 95 % of a pass of the reference and 98 %")


def test_a_promise_of_its_own_replaces_the_ratio_and_the_ratio_is_still_told():
    check = timed("<= 3 s", [2.0, 2.01] * 6)
    assert (check.verdict, check.margin) == ("pass", None)
    assert "2.004 times the reference's seconds" in check.reason
    assert check.difference == pytest.approx(-1.0, abs=0.01)


def test_both_together_must_hold():
    assert timed(["1.5x", "<= 3 s"], [2.0, 2.01] * 6).verdict == "fail"
    assert timed(["2.5x", "<= 3 s"], [2.0, 2.01] * 6).verdict == "pass"


def test_per_token_divides_by_the_tokens_that_a_round_writes_one_after_another():
    # 32 tokens in 0.96 s are 30 ms each.
    assert timed("<= 31 ms per token", [0.96, 0.961] * 6).verdict == "pass"
    assert timed("<= 29 ms per token", [0.96, 0.961] * 6).verdict == "fail"


def test_a_percentile_asks_for_as_many_rounds_as_can_prove_it():
    policy = Policy()
    assert Checker(policy, {"decode-latency": "0.8x"}).rounds(CELL) == ROUNDS
    assert Checker(policy, {"decode-latency": ["0.8x", "p95 <= 40 ms"]}).rounds(CELL) == 93


def test_bytes_are_exact_and_memory_that_was_measured_once_is_not():
    def check(name, metric):
        sides = []
        for value in (100.0, 90.0):
            measured = measure_size(artifact("/nowhere", bytes=int(value)), "bytes", benchmarks()["bytes"], EVALUATION)
            sides.append(measured.model_copy(update={"benchmark": name, "metric": metric}))
        return Checker(Policy()).check(replace(CELL, benchmark=name, kind="size"), "efficiency", Pair(*sides))

    exact, once = check("bytes", "bytes"), check("peak-memory", "bytes")
    assert (exact.verdict, exact.interval) == ("pass", pytest.approx((0.1, 0.1)))
    assert exact.details["parameters"] == (100, 100)
    assert (once.verdict, once.interval) == ("pass", None)
    assert "(measured once, spread not known)" in once.reason


def cost(name, limit, **facts):
    cell = replace(CELL, benchmark=name, kind="size")
    measured = measure_size(artifact("/nowhere", **facts), name, benchmarks()[name], EVALUATION)
    return Checker(Policy(), {name: limit} if limit else {}).check(cell, "efficiency", Single(measured))


def test_what_compression_took_informs_and_a_limit_decides():
    check = cost("compress-seconds", None, compress_seconds=41.5)
    assert (check.verdict, check.candidate.value, check.reason) == ("pass", 41.5, "41.5 seconds, one run; no limit is set")
    assert cost("compress-seconds", "<= 1 min", compress_seconds=41.5).verdict == "pass"
    assert cost("compress-seconds", "<= 40 s", compress_seconds=41.5).verdict == "fail"
    assert cost("compress-peak-memory", "<= 1 GB", compress_peak_bytes=2 * 10**9).verdict == "fail"
    assert cost("compress-tokens", "<= 1000 tokens", training_tokens=999).verdict == "pass"


def test_a_limit_on_what_nobody_recorded_is_undecided():
    check = cost("compress-energy", "<= 5 kJ")
    assert (check.verdict, check.gates, check.n) == ("inconclusive", True, 0)
    assert check.reason == "not measured: no counter of energy (NVML) on the device that made it"
