"""Puts some weights of one loaded model into another, and takes them out again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_unicomp.api.errors import UnicompError

if TYPE_CHECKING:
    import torch


@contextmanager
def weights_from(donor: torch.nn.Module, model: torch.nn.Module, names: Iterable[str]) -> Iterator[None]:
    """Within the block, the named parameters of `model` are those of `donor`; nothing is copied.

    Only weights are exchanged: quantization of activations stays as it is in `model`. Raises UnicompError if a parameter is missing in `model`
    or has another shape there, so that the two models do not have the same parts.
    """
    own, other = dict(model.named_parameters()), dict(donor.named_parameters())
    chosen = list(names)
    for name in chosen:
        shapes = [tuple(one[name].shape) if name in one else None for one in (own, other)]
        if shapes[0] is None or shapes[0] != shapes[1]:
            raise UnicompError(f"unicomp: {name} has the shape {shapes[0]} in the candidate and {shapes[1]} in the reference.")
    kept = {name: own[name].data for name in chosen}
    try:
        for name in chosen:
            own[name].data = other[name].data
        yield
    finally:
        for name, data in kept.items():
            own[name].data = data
