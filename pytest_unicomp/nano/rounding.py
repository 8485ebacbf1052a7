"""Rounds and prunes weights in place, to see during development if the model is near its capacity; no recipe uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

_GROUP = 128


def _matrices(model: Any) -> Iterator[Any]:
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2 and "embed" not in name and "lm_head" not in name:
            yield parameter.data


def round_to_nearest(model: Any, bits: int) -> None:
    """Round every decoder matrix symmetrically to the nearest of 2^bits levels, with one scale for each group of 128 inputs."""
    largest = 2 ** (bits - 1) - 1
    for weight in _matrices(model):
        groups = weight.reshape(weight.shape[0], -1, _GROUP)
        scale = groups.abs().amax(-1, keepdim=True).clamp(min=1e-8) / (largest + 0.5)
        weight.copy_((groups / scale).round().clamp(-largest - 1, largest).mul(scale).reshape(weight.shape))


def prune_two_of_four(model: Any) -> None:
    """Zero the two smallest of every four weights along the input."""
    for weight in _matrices(model):
        fours = weight.reshape(weight.shape[0], -1, 4)
        fours.scatter_(-1, fours.abs().topk(2, dim=-1, largest=False).indices, 0.0)
        weight.copy_(fours.reshape(weight.shape))


def prune_half(model: Any) -> None:
    """Zero the smaller half of the weights of each output."""
    for weight in _matrices(model):
        weight.scatter_(-1, weight.abs().topk(weight.shape[-1] // 2, dim=-1, largest=False).indices, 0.0)


def untouched(model: Any) -> None:
    """Leave the model as it is: the variant that every other is compared with."""


VARIANTS: dict[str, Callable[[Any], None]] = {
    "dense": untouched,
    "rtn-8": partial(round_to_nearest, bits=8),
    "rtn-4": partial(round_to_nearest, bits=4),
    "rtn-3": partial(round_to_nearest, bits=3),
    "magnitude-2of4": prune_two_of_four,
    "magnitude-50": prune_half,
}
