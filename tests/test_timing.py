"""Paired rounds keep each candidate round with the reference round before it."""

from pytest_unicomp.timing import PairedRounds


def test_reference_rounds_of_the_warm_up_are_dropped():
    calls = []
    rounds = PairedRounds(lambda: calls.append("reference"), lambda: calls.append("candidate"))
    for _ in range(5):
        rounds.before()
        rounds.candidate()
    recorded = list(rounds.reference_seconds)
    rounds.finish([0.1, 0.2, 0.3])
    assert rounds.reference_seconds == recorded[2:]
    assert calls == ["reference", "candidate"] * 5


def test_paired_rounds_survive_their_document():
    rounds = PairedRounds.of({"reference_seconds": [1.0, 2.0], "candidate_seconds": [3.0, 4.0]})
    assert PairedRounds.of(rounds.extra_info()).extra_info() == {"reference_seconds": [1.0, 2.0], "candidate_seconds": [3.0, 4.0]}


def test_pytest_benchmark_calls_the_reference_before_every_timed_round(benchmark):
    order = []
    rounds = PairedRounds(lambda: order.append("reference"), lambda: order.append("candidate"))
    benchmark.pedantic(rounds.candidate, setup=rounds.before, rounds=4, warmup_rounds=2, iterations=1)
    if benchmark.disabled:
        assert order == ["reference", "candidate"]
        return
    rounds.finish(benchmark.stats.stats.data)
    assert order == ["reference", "candidate"] * 6
    assert len(rounds.reference_seconds) == len(rounds.candidate_seconds) == 4
