"""Operations, memory and cache of a model, against what a person computes and what the system saw."""

import pytest

from pytest_unicomp.benchmarks.efficiency.footprint import BENCHMARKS, cache_bytes_per_token, flops, peak_memory
from pytest_unicomp.benchmarks.efficiency.latency import BENCHMARKS as LATENCIES
from pytest_unicomp.checkpoints import NANO
from pytest_unicomp.errors import InfrastructureError
from tests.methods.tiny import checkpoint
from tests.toys import artifact


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


@pytest.mark.slow
def test_memory_of_a_model_is_what_the_system_saw(tmp_path):
    sizes = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 8, "num_attention_heads": 16, "num_key_value_heads": 16}
    folder = checkpoint(tmp_path / "larger", **sizes, max_position_embeddings=512)
    weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    found = peak_memory(folder)
    assert found["device_bytes"] is None or found["device_bytes"] > weights
    # Every weight was read; the text's own activations and the allocator's slack are small beside them.
    assert weights * 0.9 <= found["running_bytes"] <= weights * 1.5 + 100 * 2**20


def test_a_process_that_dies_is_an_error_with_its_last_words(tmp_path):
    with pytest.raises(InfrastructureError, match="ended with"):
        peak_memory(tmp_path)


def test_what_has_no_files_has_no_footprint():
    with pytest.raises(InfrastructureError, match="has no files here"):
        BENCHMARKS["flops"].size(artifact("http://localhost/v1"))


def test_a_round_reads_and_writes_what_it_says(tiny):
    whole = LATENCIES["generation-latency"]
    assert (whole.batch, whole.prompt, whole.decode, whole.tokens) == (8, 1024, 16, 8 * 1040)
    calls = []
    handle = tiny.model.register_forward_hook(lambda module, given, kept, out: calls.append(tuple(out.logits.shape[:2])), with_kwargs=True)
    try:
        whole.prepare(tiny)()
    finally:
        handle.remove()
    assert len(calls) == 16
    assert set(calls) == {(8, 1)}
