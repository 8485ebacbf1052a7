"""A round that does not fit is an error that says how much was missing, found before the system runs out of memory."""

import re

import pytest
import torch

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.benchmarks.efficiency import room
from pytest_unicomp.benchmarks.efficiency.latency import Latency
from pytest_unicomp.engine.host import memory


def test_what_a_round_needs_is_what_a_person_counts(tiny):
    config = tiny.model.config
    assert (config.hidden_size, config.intermediate_size, config.num_hidden_layers, config.num_key_value_heads) == (128, 256, 2, 4)
    cache = 2 * 2 * 4 * 32 * 4 * 3 * (10 + 5)
    read = 4 * 3 * 10 * (128 + 2 * 256)
    assert room.needed(tiny, batch=3, prompt=10, written=5) == cache + read + 4 * 3 * 259


def test_a_batch_that_does_not_fit_is_refused_with_what_is_missing_and_nothing_is_allocated(tiny):
    with pytest.raises(
        InfrastructureError, match=r"100000000 sequences of 256 tokens read and 0 written need at least .* are missing"
    ) as refused:
        Latency(batch=10**8, prompt=256, decode=0).prepare(tiny)
    least, free, missing = (float(number) for number in re.findall(r"([\d.]+) GB", str(refused.value)))
    assert least - free == pytest.approx(missing, abs=0.02)


def test_torchs_own_word_for_it_becomes_the_same_error():
    def greedy():
        torch.empty(2**50, dtype=torch.uint8)

    with pytest.raises(InfrastructureError, match=r"asked for 1125899\.91 GB more; [\d.]+ GB are free on cpu, [\d.]+ GB are missing"):
        room.guarded(greedy, "cpu")()


def test_a_gpus_word_for_it_is_understood():
    words = "CUDA out of memory. Tried to allocate 20000.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which 5.00 GiB is free."

    def greedy():
        raise torch.OutOfMemoryError(words)

    with pytest.raises(InfrastructureError, match=r"asked for 21474\.84 GB more"):
        room.guarded(greedy, "cpu")()


def test_another_error_stays_what_it_is():
    def wrong():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        room.guarded(wrong, "cpu")()


def test_free_memory_is_no_more_than_the_machine_has():
    found = memory.available_bytes("cpu")
    assert found is None or 0 < found < 2**50
