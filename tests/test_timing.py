"""Paired rounds: the reference goes before every other round of the candidate and after the rest, and the host is watched meanwhile."""

import pytest

from pytest_unicomp.timing import Health, PairedRounds, Watch

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


@pytest.mark.parametrize(
    ("busy", "others", "healthy"),
    [(1.95, 0.05, True), (1.95, 0.9, False), (1.2, 0.9, True), (None, None, True)],
)
def test_a_host_is_healthy_unless_others_take_what_the_timing_needs(busy, others, healthy):
    problem = Health(2, busy, others, None, None).problem
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
