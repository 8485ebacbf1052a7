"""Operations, memory and cache of a model, against what a person computes and what the system saw."""

import json
import subprocess
import sys

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.api.registry import methods
from pytest_unicomp.benchmarks.efficiency.footprint import BENCHMARKS, cache_bytes_per_token, flops, peak_memory
from pytest_unicomp.benchmarks.efficiency.latency import BENCHMARKS as LATENCIES
from pytest_unicomp.checkpoints.hub import NANO
from tests.engine.toy_engine import evaluation
from tests.methods.tiny import checkpoint
from tests.toys import artifact

EVALUATION = evaluation()


@pytest.mark.parametrize("tokens", [16, 128])
def test_flops_of_a_llama_are_those_counted_by_hand(tmp_path, tokens):
    hidden, inner, layers, heads, shared, size, vocabulary = 64, 96, 3, 4, 2, 16, 512
    folder = checkpoint(
        tmp_path / "tiny",
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=shared,
        head_dim=size,
        vocab_size=vocabulary,
    )
    projections = hidden * heads * size * 2 + hidden * shared * size * 2 + 3 * hidden * inner
    attention = 2 * tokens * heads * size
    assert flops(folder, tokens) == 2 * tokens * (layers * (projections + attention) + hidden * vocabulary)


def test_nano_takes_what_its_shapes_say():
    assert flops(NANO, 128) == 2 * 128 * (3 * (256 * 256 * 2 + 256 * 128 * 2 + 3 * 256 * 512 + 2 * 128 * 256) + 256 * 1536)
    # Keys and values of 3 layers, 2 heads of 64, two bytes each.
    assert cache_bytes_per_token(NANO) == 2 * 3 * 2 * 64 * 2


def test_multiply_adds_are_half_the_operations_and_the_length_is_stated():
    found = BENCHMARKS["flops"].details(artifact(str(NANO)), EVALUATION)
    assert found == {"macs": flops(NANO, 128) / 2, "tokens": 128, "batch": 1}


def test_a_quantized_checkpoint_takes_the_operations_of_its_shapes_under_inference_mode_too(tmp_path):
    import torch

    dense = checkpoint(tmp_path / "dense")
    folder, scratch = tmp_path / "quantized", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    methods()["rtn-w4a16"].compress(CompressionJob(dense, folder, None, 0, "cpu", lambda _: None, scratch))
    with torch.inference_mode():
        # torch's counter alone sees nothing here.
        assert flops(folder, 16) == flops(dense, 16) > 0


SEEN = """
import json, resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "pytest_unicomp.benchmarks.efficiency.memory_probe", *sys.argv[1:]], capture_output=True, text=True, check=True)
print(json.dumps({"probe": json.loads(done.stdout.splitlines()[-1]), "seen": 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the unit of ru_maxrss is Linux's")
def test_peak_memory_is_within_a_tenth_of_what_the_operating_system_saw(tmp_path):
    sizes = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 8, "num_attention_heads": 16, "num_key_value_heads": 16}
    folder = checkpoint(tmp_path / "larger", **sizes, max_position_embeddings=512)
    weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    # Between this process and the probe stands a small one: a child counts the memory of whoever forked it as its own.
    command = [sys.executable, "-c", SEEN, str(folder), "512", "cpu"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    probe, seen = told["probe"], told["seen"]
    assert probe["libraries_bytes"] + max(probe["loading_bytes"], probe["running_bytes"]) == pytest.approx(seen, rel=0.1)
    # Every weight was read; the text's own activations and the allocator's slack are small beside them.
    for part in ("loading_bytes", "running_bytes"):
        assert weights * 0.9 <= probe[part] <= weights * 1.5 + 100 * 2**20
    assert probe["loading_device_bytes"] is None


@pytest.mark.slow
def test_host_and_device_are_told_apart():
    found = BENCHMARKS["loading-memory"]
    details = found.details(artifact(str(NANO)), EVALUATION)
    assert details["device_bytes"] is None
    assert details["host_bytes"] == found.size(artifact(str(NANO)), EVALUATION) > 0


def test_a_process_that_dies_is_an_error_with_its_last_words(tmp_path):
    with pytest.raises(InfrastructureError, match="ended with"):
        peak_memory(tmp_path)


def test_what_has_no_files_has_no_footprint():
    with pytest.raises(InfrastructureError, match="has no files here"):
        BENCHMARKS["flops"].size(artifact("http://localhost/v1"), EVALUATION)


def test_a_round_reads_and_writes_what_it_says(tiny):
    whole = LATENCIES["generation-latency"]
    assert (whole.batch, whole.prompt, whole.decode, whole.counted_tokens) == (8, 1024, 16, 1)
    assert LATENCIES["throughput"].counted_tokens == 16 * 1040
    calls = []
    handle = tiny.model.register_forward_hook(lambda module, given, kept, out: calls.append(tuple(out.logits.shape[:2])), with_kwargs=True)
    try:
        whole.prepare(tiny)()
    finally:
        handle.remove()
    assert len(calls) == 16
    assert set(calls) == {(8, 1)}
