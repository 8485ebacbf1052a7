"""Paired rounds: the reference runs before every other round of the candidate and after the rest."""

from pytest_unicomp.engine.host.paired_timing import PairedRounds, device_seconds

ORDER = ["reference", "candidate", "candidate", "reference"]


def test_the_order_alternates_and_warm_up_rounds_are_dropped():
    calls = []
    rounds = PairedRounds(lambda: calls.append("reference"), lambda: calls.append("candidate"))
    for _ in range(6):
        rounds.before()
        rounds.candidate()
    rounds.finish([0.1, 0.2, 0.3, 0.4])
    assert calls == ORDER * 3
    assert len(rounds.reference_seconds) == 4


def test_a_reference_round_that_is_due_runs_at_the_end():
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
    health |= {"gpu_others": 0, "gpu_megahertz": [1410, 1980], "gpu_throttled": None, "joules": 12.5, "launching": [0.2, 0.3]}
    document = {
        "reference_seconds": [1.0, 2.0],
        "candidate_seconds": [3.0, 4.0],
        "ratios": [3.0, 2.0],
        "kernels": ["a", "b"],
        "health": health,
    }
    assert PairedRounds.from_document(document).extra_info() == document


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


def test_seconds_that_a_round_returns_replace_its_duration():
    rounds = PairedRounds(lambda: 2.0, lambda: 3.0)
    for _ in range(4):
        rounds.before()
        rounds.candidate()
    rounds.finish([9.0, 9.0])
    assert (rounds.reference_seconds, rounds.candidate_seconds) == ([2.0, 2.0], [3.0, 3.0])


def test_device_seconds_come_with_the_result():
    seconds, found = device_seconds("cpu", lambda: sum(range(100_000)))
    assert (seconds > 0, found) == (True, 4_999_950_000)
