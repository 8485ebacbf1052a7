"""An error that is remembered for later requests keeps nothing of the failed work in memory."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from pytest_unicomp.api.errors import InfrastructureError, guarded
from pytest_unicomp.run.executors.local import LocalExecutor


def out_of_memory(references, *, wrapped):
    """Work that holds a model in its frames, and in those of an error that it handles, when the GPU's memory ends."""

    def work():
        model = torch.nn.Linear(8, 8)
        references.append(weakref.ref(model))
        try:
            activations = model(torch.ones(1, 8))
            raise torch.OutOfMemoryError(f"CUDA out of memory for {activations.shape}")
        except torch.OutOfMemoryError as error:
            raise RuntimeError("the step failed") from error

    return (lambda: guarded(work, "loading toy")) if wrapped else work


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_model_is_freed_while_its_error_is_kept(wrapped):
    executor, references = LocalExecutor(), []
    kind = InfrastructureError if wrapped else RuntimeError
    for _ in range(2):
        with pytest.raises(kind, match="the step failed") as found:
            executor.result("key", out_of_memory(references, wrapped=wrapped))
    gc.collect()
    assert [reference() for reference in references] == [None]
    assert found.value is executor._failed["key"]


def test_a_guarded_error_keeps_no_model_even_outside_an_executor():
    references = []
    with pytest.raises(InfrastructureError, match="loading toy failed: RuntimeError: the step failed") as found:
        out_of_memory(references, wrapped=True)()
    gc.collect()
    assert references[0]() is None
    assert isinstance(found.value.__cause__, RuntimeError)


def test_an_error_asked_for_often_does_not_grow_a_traceback():
    executor, lengths = LocalExecutor(), []
    for _ in range(3):
        with pytest.raises(RuntimeError) as found:
            executor.result("key", out_of_memory([], wrapped=False))
        lengths.append(len(found.traceback))
    assert lengths[1] == lengths[2]


def test_unused_memory_of_a_gpu_is_given_back_after_an_error(monkeypatch):
    emptied = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    with pytest.raises(RuntimeError):
        LocalExecutor().result("key", out_of_memory([], wrapped=False))
    assert emptied
