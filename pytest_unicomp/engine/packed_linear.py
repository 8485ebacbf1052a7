"""Packs the weights of linear layers for the products with few rows that decoding is made of: oneDNN reads them in the order in which it multiplies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from pytest_unicomp.engine.host import host

# The number of rows that the packed order is made for; it serves any other number too.
ROWS = 32
# Most bytes of a weight that other modules use as well, such as tied embeddings: it is then in memory twice.
MAX_SHARED_BYTES = 2**27


@contextmanager
def packed(model: Any) -> Iterator[None]:
    """Within the block, multiply by packed weights in the model's plain linear layers, if it computes in float32 on a CPU with oneDNN.

    A weight is moved, not copied: the layer's own is empty within the block, and has its former values bit for bit afterwards. A weight that
    other modules use too stays where it is, and is packed as a copy if it has at most MAX_SHARED_BYTES. Results differ by rounding alone.
    """
    import torch

    with_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    usable = with_onednn and model.dtype is torch.float32 and host.device_type(str(model.device)) == "cpu"
    with ExitStack() as stack:
        if usable:
            users = Counter(id(weight) for module in model.modules() for weight in module.parameters(recurse=False))
            for layer in _plain_layers(model):
                shared = users[id(layer.weight)] > 1
                if not shared or layer.weight.nbytes <= MAX_SHARED_BYTES:
                    stack.callback(_pack(layer, keep=shared))
        yield


def _plain_layers(model: Any) -> list[Any]:
    """Return the modules that are a torch.nn.Linear of float32 and nothing more: no subclass, and no forward of its own."""
    import torch

    found = [module for module in model.modules() if type(module) is torch.nn.Linear and "forward" not in vars(module)]
    return [layer for layer in found if layer.weight.dtype is torch.float32 and str(layer.weight.device) == "cpu"]


def _pack(layer: Any, *, keep: bool) -> Callable[[], None]:
    """Replace the layer's product, and unless `keep` its weight; return what restores both."""
    import torch

    weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.data, ROWS)
    bias = layer.bias
    layer.forward = lambda hidden: torch.ops.mkldnn._linear_pointwise(hidden, weight, bias, "none", [], "")
    if not keep:
        layer.weight.data = layer.weight.data.new_empty(0)

    def restore() -> None:
        del layer.forward
        if not keep:
            # A weight made in inference mode could never be trained again.
            with torch.inference_mode(False):
                layer.weight.data = weight.to_dense()

    return restore
