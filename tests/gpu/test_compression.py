"""Compressing on a GPU gives what was promised, and frees what it took."""

from __future__ import annotations

import gc

import pytest
import torch

from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.api.registry import methods
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine import load
from pytest_unicomp.methods.composition import Composition
from pytest_unicomp.run.executors.local import LocalExecutor
from tests.methods.tiny import calibration


@pytest.mark.parametrize(("first", "second"), [("magnitude-50", "gptq-w4a16"), ("wanda-2of4", "smoothquant-w8a8")])
def test_zeros_of_a_pruned_model_survive_quantization(device, tmp_path, record_property, first, second):
    folders = [tmp_path / name for name in ("made", "scratch")]
    for folder in folders:
        folder.mkdir()
    composed = Composition((methods()[first], methods()[second]))
    composed.compress(CompressionJob(NANO, folders[0], calibration(), 0, device, lambda _: None, folders[1]))
    sparsity = hub.facts(folders[0]).sparsity
    record_property("sparsity", sparsity)
    assert sparsity is not None
    assert sparsity > 0.4


def weights_of_a_model_that_is_freed(gpu):
    model = load(NANO, device=gpu, dtype="bfloat16").model
    return sum(parameter.nbytes for parameter in model.parameters())


def test_a_failed_model_leaves_no_memory_behind(gpu):
    # What torch keeps from the first model on, such as the workspace of cuBLAS, is no part of what is compared.
    weights = weights_of_a_model_that_is_freed(gpu)
    gc.collect()
    before = torch.cuda.memory_allocated(gpu)

    def fail():
        engine = load(NANO, device=gpu, dtype="bfloat16")
        model = engine.model
        raise torch.OutOfMemoryError(f"CUDA out of memory beside {type(model).__name__}")

    executor = LocalExecutor()
    with pytest.raises(torch.OutOfMemoryError):
        executor.result("toy", fail)
    assert torch.cuda.memory_allocated(gpu) - before < weights / 2
