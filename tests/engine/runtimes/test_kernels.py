"""Kernels of compressed formats: which exist, which shapes they support, and what a packed layer computes."""

import pytest
import torch

from pytest_unicomp.benchmarks.efficiency.kernels import TOLERANCE
from pytest_unicomp.engine.runtimes import kernels


@pytest.mark.parametrize(
    ("format_", "stored"),
    [
        ("int8", 64 * 256 + 2 * 64),
        # Two groups of 128 per output, each with a scale and a zero of two bytes.
        ("int4", 64 * 256 // 2 + 4 * 64 * 2),
        ("fp8", 64 * 256 + 4 * 64),
    ],
)
def test_a_packed_layer_computes_with_its_equivalent_weight_and_counts_its_bytes(format_, stored):
    torch.manual_seed(0)
    weight = torch.randn(64, 256).bfloat16()
    packed = kernels.pack(format_, weight)
    x = torch.randn(3, 5, 256).bfloat16()
    wanted = torch.nn.functional.linear(x.float(), packed.weight.float())
    found = packed.module(x)
    assert found.shape == (3, 5, 64)
    assert float((found.float() - wanted).norm() / wanted.norm()) < TOLERANCE[format_]
    # Rounding is coarse in four bits and fine in eight, and never nothing.
    error = float((packed.weight.float() - weight.float()).norm() / weight.float().norm())
    assert 0.001 < error < (0.2 if format_ == "int4" else 0.04)
    assert packed.bytes == stored


@pytest.mark.parametrize(
    ("format_", "outputs", "inputs", "device", "reason"),
    [
        ("int4", 64, 256, "cpu", None),
        ("int4", 64, 100, "cpu", "100 inputs are in no group of 32, 64, 128, 256"),
        ("int4", 60, 256, "cpu", "60 outputs are no multiple of 16"),
        ("int4", 64, 96, "cuda:0", "96 inputs are no multiple of 128"),
        ("fp8", 64, 40, "cuda:0", "no multiples of 16"),
        ("2of4", 64, 96, "cuda:0", "no multiples of 32 and 64"),
        ("int8", 7, 13, "cpu", None),
    ],
)
def test_shapes_that_a_kernel_does_not_support_are_named(format_, outputs, inputs, device, reason):
    found = kernels.unsupported_shape(format_, outputs, inputs, device)
    assert found is None if reason is None else reason in found


def test_a_group_of_128_is_preferred_and_the_largest_that_divides_is_next():
    assert [kernels.int4_group_size(inputs) for inputs in (256, 128, 192, 96, 100)] == [128, 128, 64, 32, None]
    assert kernels.operator_name("int4", 192) == "torch._weight_int4pack_mm, group 64"


def test_a_cpu_has_integer_kernels_alone():
    assert [kernels.unavailable_reason(format_, "cpu") is None for format_ in ("int8", "int4", "fp8", "2of4")] == [True, True, False, False]


@pytest.fixture
def gpu(monkeypatch):
    """A GPU of compute capability 9.0, whose tensors lie on the CPU."""
    ones = torch.ones
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _: None)
    monkeypatch.setattr(torch, "ones", lambda *sides, dtype, device: ones(*sides, dtype=dtype))
    kernels._trial_failure.cache_clear()
    yield
    kernels._trial_failure.cache_clear()


def test_a_kernel_that_fails_on_the_gpu_is_a_reason_and_no_error(gpu, monkeypatch):
    def lacking(*_):
        raise RuntimeError("cuSPARSELt is not supported\non this architecture")

    monkeypatch.setattr(kernels, "pack", lacking)
    reason = kernels.unavailable_reason("2of4", "cuda:0")
    assert reason == "torch's 2of4 kernel fails on this GPU: cuSPARSELt is not supported on this architecture"


def test_a_kernel_that_works_on_a_small_product_has_no_reason(gpu):
    assert kernels.unavailable_reason("int4", "cuda:0") is None


def test_int8_is_no_acceleration_on_a_gpu(gpu):
    assert "without tensor cores" in kernels.unavailable_reason("int8", "cuda:0")


@pytest.mark.parametrize(("there", "forced"), [(True, False), (False, True)])
def test_2of4_uses_cutlass_where_cusparselt_is_lacking(monkeypatch, there, forced):
    from pytest_unicomp.engine.runtimes import semi_structured

    monkeypatch.setattr(torch.backends.cusparselt, "is_available", lambda: there)
    monkeypatch.setattr(torch.sparse.SparseSemiStructuredTensor, "_FORCE_CUTLASS", False)
    monkeypatch.setattr(torch.sparse, "to_sparse_semi_structured", lambda weight: weight)
    semi_structured.linear_class()(torch.ones(32, 64), None)
    assert torch.sparse.SparseSemiStructuredTensor._FORCE_CUTLASS is forced
