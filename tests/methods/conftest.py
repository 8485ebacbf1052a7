from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.methods.tiny import checkpoint


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Models this small lose more to threads waiting for each other than they gain."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers, hidden size 128, float32; read only."""
    return checkpoint(tmp_path_factory.mktemp("models") / "llama")
