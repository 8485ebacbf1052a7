"""The scheme of weight-only integers in llm-compressor's words: what RTN, GPTQ and AWQ write."""

from __future__ import annotations

from typing import Any


def weight_scheme(bits: int, group: int, *, symmetric: bool = True) -> dict[str, Any]:
    """Return llm-compressor's `config_groups` for weight-only integers on Linear layers; activations keep their dtype.

    One scale for `group` consecutive inputs of an output channel, and a zero point too unless `symmetric`.
    """
    weights = {"num_bits": bits, "type": "int", "symmetric": symmetric, "strategy": "group", "group_size": group}
    return {"linear": {"targets": ["Linear"], "weights": weights}}
