"""Kernels layer by layer: shapes, bytes and ceilings are those counted by hand, and a kernel that multiplies with another weight is not timed."""

import pytest
import torch

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.records import Ceilings
from pytest_unicomp.benchmarks.efficiency.kernels import BENCHMARKS, ROWS, Arm, spread
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.engine.runtimes import kernels
from pytest_unicomp.run.run import Run
from tests.methods.tiny import checkpoint


def finished(rounds, count=3):
    for _ in range(count):
        rounds.pairs.before()
        rounds.pairs.candidate()
    rounds.pairs.finish([1.0] * count)
    return rounds.report(confidence=0.9)


def test_every_shape_is_timed_at_every_number_of_tokens(tmp_path):
    folder = checkpoint(tmp_path / "tiny", hidden_size=128, intermediate_size=256, num_attention_heads=4, num_key_value_heads=4)
    report = finished(BENCHMARKS["kernel-int4"].prepare(folder, "cpu"))
    assert [(layer.outputs, layer.inputs, layer.rows) for layer in report.layers] == [
        (outputs, inputs, rows) for outputs, inputs in ((128, 256), (256, 128), (128, 128)) for rows in ROWS
    ]
    assert {layer.rows: layer.phase for layer in report.layers} == {1: "decode", 8: "decode", 256: "prefill"}
    for layer in report.layers:
        assert layer.interval[0] <= layer.ratio <= layer.interval[1]
        assert layer.seconds.low <= layer.seconds.median <= layer.seconds.high
        assert layer.operations == 2 * layer.rows * layer.outputs * layer.inputs
        assert layer.dense_bytes - layer.bytes == 2 * layer.outputs * layer.inputs - (
            layer.outputs * layer.inputs // 2 + 4 * layer.outputs * layer.inputs // 128
        )
        assert layer.share > 0
    assert report.kernel == "torch._weight_int4pack_mm, group 128"
    assert report.rounds == 3


def test_a_shape_that_the_kernel_does_not_take_is_named_and_left_out(tmp_path):
    folder = checkpoint(tmp_path / "odd", hidden_size=64, intermediate_size=80, num_attention_heads=4, num_key_value_heads=4)
    report = finished(BENCHMARKS["kernel-int4"].prepare(folder, "cpu"), 2)
    assert {(layer.outputs, layer.inputs) for layer in report.layers} == {(80, 64), (64, 64)}
    [left_out] = report.left_out
    assert left_out.startswith("64 x 80: 80 inputs are in no group of 32, 64, 128, 256")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_gpu_times_every_kernel_that_it_has(name):
    if BENCHMARKS[name].missing("cuda:0") is not None:
        pytest.skip(BENCHMARKS[name].missing("cuda:0"))
    report = finished(BENCHMARKS[name].prepare(NANO, "cuda:0"))
    assert len(report.layers) == 4 * len(ROWS)
    assert all(layer.share > 0 for layer in report.layers)


def test_a_kernel_that_multiplies_with_another_weight_is_never_timed(monkeypatch):
    right = kernels.pack

    def wrong(format_, weight):
        packed = right(format_, weight)
        return kernels.Packed(packed.module, packed.weight.roll(1, 0), packed.bytes)

    monkeypatch.setattr(kernels, "pack", wrong)
    with pytest.raises(InfrastructureError, match="does not multiply with its weight"):
        BENCHMARKS["kernel-int8"].prepare(NANO, "cpu")


def test_a_token_passes_every_layer_and_a_prompt_counts_for_the_table_alone():
    arm = Arm("cpu", [lambda: 1, lambda: 1, lambda: 1], [6.0, 3.0, 0.0])
    total = arm.round()
    [found] = arm.seconds
    assert total == pytest.approx(6 * found[0] + 3 * found[1])


def test_the_share_is_of_the_ceiling_that_binds():
    ceilings = Ceilings(bandwidth=1e9, rate=1e12, copied_bytes=1, product="")
    # A million bytes take a millisecond at best, a billion operations too.
    assert ceilings.share(10**6, 10**3, 0.002) == pytest.approx(0.5)
    assert ceilings.share(10**3, 4 * 10**9, 0.008) == pytest.approx(0.5)
    assert (ceilings.bound(10**6, 10**3), ceilings.bound(10**3, 4 * 10**9)) == ("memory", "arithmetic")


def test_spread_is_of_the_middle_half():
    found = spread([1.0, 2.0, 3.0, 4.0, 100.0])
    assert (found.low, found.median, found.high) == (2.0, 3.0, 4.0)


def test_a_cpu_has_integer_kernels_and_says_what_it_lacks(tmp_path):
    assert {name: entry.missing("cpu") for name, entry in BENCHMARKS.items()} == {
        "kernel-int8": None,
        "kernel-int4": None,
        "kernel-fp8": "torch computes fp8 on NVIDIA GPUs alone",
        "kernel-2of4": "torch computes 2of4 on NVIDIA GPUs alone",
    }
    settings = resolve(
        {"model": "nano", "benchmark": ["efficiency"], "recipe": ["dense"], "device": "cpu", "cache": str(tmp_path / "store")}, {}
    )
    run = Run(settings)
    cells = {cell.benchmark: cell for cell in run.plan.kernels()}
    assert set(cells) == set(BENCHMARKS)
    check = run.kernel_missing(cells["kernel-2of4"])
    assert (check.verdict, check.gates, check.recipe) == ("inconclusive", False, "reference")
    assert check.reason == "no accelerated kernel here: torch computes 2of4 on NVIDIA GPUs alone"
    assert run.kernel_missing(cells["kernel-int4"]) is None
