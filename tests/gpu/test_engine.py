"""The engine on a GPU: the scores and texts of the CPU, also where memory ends, and what a decode step takes."""

from __future__ import annotations

import time

import pytest
import torch
from lm_eval.api.instance import Instance

from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine import load, model_probe
from pytest_unicomp.engine.host import nvml

BLOCK = "Question: where is the cat? Answer: the cat is in the house.\n"
PAIRS = [(BLOCK * 3 + f"Question: number {number}? Answer:", f" {word}") for number in range(16) for word in ("yes", "no", "the cat")]
SETTINGS = {"until": ["\n"], "max_gen_toks": 16, "do_sample": False}


def scores(engine):
    asked = [Instance("loglikelihood", {}, pair, place) for place, pair in enumerate(PAIRS)]
    return [value for value, _ in engine.lm.loglikelihood(asked, disable_tqdm=True)]


def texts(engine):
    asked = [Instance("generate_until", {}, (context, dict(SETTINGS)), place) for place, (context, _) in enumerate(PAIRS)]
    return engine.lm.generate_until(asked)


@pytest.mark.parametrize(("dtype", "allowed"), [("float32", 0.01), ("bfloat16", 0.5)])
def test_scores_are_those_of_the_cpu(device, record_property, dtype, allowed):
    there, here = load(NANO, device=device, dtype=dtype), load(NANO, device="cpu", dtype=dtype)
    difference = max(abs(a - b) for a, b in zip(scores(there), scores(here), strict=True))
    capabilities = there.lm.capabilities
    record_property("largest difference in nats", difference)
    record_property("shares prefixes", capabilities.shared_prefix_limit is None)
    record_property("reason", capabilities.reason)
    with torch.inference_mode():
        record_property("probe, scoring", model_probe._scoring_difference(there.model, capabilities))
        record_property("probe, decoding", model_probe._decoding_difference(there.model))
    assert difference < allowed


def test_greedy_texts_in_float32_are_those_of_the_cpu(device):
    assert texts(load(NANO, device=device, dtype="float32")) == texts(load(NANO, device="cpu", dtype="float32"))


def test_texts_are_the_same_where_memory_ends(gpu, record_property):
    engine = load(NANO, device=gpu, dtype="float32")
    expected, total = texts(engine), torch.cuda.get_device_properties(gpu).total_memory
    torch.cuda.empty_cache()
    before = torch.cuda.memory_stats(gpu)["num_ooms"]
    try:
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated(gpu) + 48 * 2**20) / total, gpu)
        assert texts(engine) == expected
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, gpu)
    ended = torch.cuda.memory_stats(gpu)["num_ooms"] - before
    record_property("times that memory ended", ended)
    if not ended:
        pytest.skip("memory did not end, so nothing was halved: the limit of this test is too large for this GPU")


def test_what_a_decode_step_takes_by_the_clock_by_events_and_as_a_graph(gpu, record_property):
    model = load(NANO, device=gpu, dtype="bfloat16").model
    token = torch.ones(1, 1, dtype=torch.long, device=gpu)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    with torch.inference_mode(), torch.cuda.device(gpu):
        for _ in range(3):
            model(token, use_cache=False)
        torch.cuda.synchronize(gpu)
        started = time.perf_counter()
        begin.record()
        for _ in range(50):
            model(token, use_cache=False)
        end.record()
        torch.cuda.synchronize(gpu)
        record_property("eager, wall, us", 1e6 * (time.perf_counter() - started) / 50)
        record_property("eager, events, us", 1e3 * begin.elapsed_time(end) / 50)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            model(token, use_cache=False)
        begin.record()
        for _ in range(50):
            graph.replay()
        end.record()
        torch.cuda.synchronize(gpu)
        record_property("graph, events, us", 1e3 * begin.elapsed_time(end) / 50)
    assert begin.elapsed_time(end) > 0


def test_the_counters_of_the_driver(gpu, record_property):
    for counter in (nvml.energy_joules, nvml.sm_clocks, nvml.throttle_reason, nvml.other_processes):
        record_property(counter.__name__, counter(gpu))
    energy = nvml.energy_joules(gpu)
    assert energy is None or energy > 0
