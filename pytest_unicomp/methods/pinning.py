"""Let llm-compressor's AWQ run without an accelerator: it pins memory unconditionally, which torch refuses there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

# The releases in which AWQModifier._apply_smoothing calls IntermediatesCache.pin_memory without asking whether there is an accelerator.
NEEDED = ("0.14.",)


@contextmanager
def no_pinning_without_accelerator() -> Iterator[None]:
    """Within the block, and only without an accelerator, make llm-compressor's `IntermediatesCache.pin_memory` do nothing.

    Pinning only speeds up copies to an accelerator, so results are the same. With another release of llm-compressor nothing is touched.
    """
    import torch
    from llmcompressor.pipelines.cache import IntermediatesCache

    if torch.accelerator.is_available() or not version("llmcompressor").startswith(NEEDED):
        yield
        return
    original = IntermediatesCache.pin_memory
    IntermediatesCache.pin_memory = lambda self, batch_index, input_names=None: None
    try:
        yield
    finally:
        IntermediatesCache.pin_memory = original
