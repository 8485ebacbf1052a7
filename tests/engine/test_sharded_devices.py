"""Indices follow the part of a sharded model that they select from. Devices that do not exist here are noted, not used."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from transformers import DynamicCache

from pytest_unicomp.engine import model_probe
from pytest_unicomp.engine.kv_cache import CacheSlice, concat, preallocated
from pytest_unicomp.engine.lm_head import LMHead
from tests.engine.toy_models import model


class Elsewhere:
    """Indices on another GPU: nothing can be selected by them before they are moved."""

    def __init__(self, *numbers):
        self.numbers = numbers

    def to(self, device):
        return torch.tensor(self.numbers, device=device)


def filled(cache):
    model("llama")(torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]]), past_key_values=cache, use_cache=True)
    return cache


@pytest.mark.parametrize("reserved", [True, False])
def test_rows_of_a_cache_are_selected_where_each_layer_lies(reserved):
    cache = filled(preallocated(model("llama").config, 8))
    expected = [layer.keys[1:].clone() for layer in cache.layers]
    if not reserved:
        for layer in cache.layers:
            layer._buffers = None
    cache.batch_select_indices(Elsewhere(1))
    assert all(torch.equal(layer.keys, keys) for layer, keys in zip(cache.layers, expected, strict=True))


def test_columns_of_a_cache_are_selected_where_each_layer_lies():
    cache = filled(DynamicCache())
    expected = [layer.keys[:, :, [0, 3]].clone() for layer in cache.layers]
    joined = concat(model("llama").config, [CacheSlice(cache, Elsewhere(0, 3))], 2, 4)
    assert all(torch.equal(layer.keys, keys) for layer, keys in zip(joined.layers, expected, strict=True))


def test_scores_need_nothing_of_the_device_to_which_logits_are_returned():
    """The logits themselves lie on another device than what the output layer computes, here that of no data at all."""
    torch.manual_seed(0)
    layer, hidden = torch.nn.Linear(8, 30), torch.randn(4, 8)
    head = LMHead(SimpleNamespace(get_output_embeddings=lambda: layer), unmodified=True)
    head._hidden = hidden
    found = head.scores(torch.empty(1, 1, 30, device="meta"), [2, 0, 2], [7, 8, int(layer(hidden)[2].argmax())])
    expected = layer(hidden).detach().log_softmax(-1)
    assert found.log_probabilities == pytest.approx([float(expected[2, 7]), float(expected[0, 8]), float(expected[2].max())], abs=1e-5)
    assert found.greedy[2] is True


def test_scores_are_in_the_order_of_the_targets_however_many_parts_the_logits_have(monkeypatch):
    from pytest_unicomp.engine import lm_head

    torch.manual_seed(0)
    layer, hidden = torch.nn.Linear(8, 30), torch.randn(9, 8)
    positions, targets = [8, 0, 3, 3, 7, 1, 8], [1, 2, 3, 4, 5, 6, 7]
    head = LMHead(SimpleNamespace(get_output_embeddings=lambda: layer), unmodified=True)
    found = []
    for rows in (100, 2):
        monkeypatch.setattr(lm_head, "LOGITS_BYTES", 4 * 30 * rows)
        head._hidden = hidden
        found.append(head.scores(torch.empty(1, 1, 30), positions, targets))
    assert found[0].log_probabilities == pytest.approx(found[1].log_probabilities, abs=1e-6)
    assert found[0].log_probabilities == pytest.approx(
        [float(layer(hidden).log_softmax(-1)[p, t]) for p, t in zip(positions, targets, strict=True)], abs=1e-5
    )
    assert found[0].greedy == found[1].greedy


def test_logits_of_a_sharded_model_are_compared_on_one_device(monkeypatch):
    """accelerate returns the logits on the GPU of the first layers, while the output layer computes on its own: here "meta" stands for the former."""
    layer, compared = torch.nn.Linear(8, 30), []
    ids = torch.empty(1, 5, 8)

    def run(**_):
        layer(ids)
        return SimpleNamespace(logits=torch.empty(1, 5, 30, device="meta"))

    class Sharded:
        device = "cpu"
        get_output_embeddings = staticmethod(lambda: layer)

        def __call__(self, **settings):
            return run(**settings)

    monkeypatch.setattr(torch, "equal", lambda *both: compared.append({str(one.device) for one in both}) or True)
    assert model_probe._logits_are_unmodified(Sharded())
    assert compared == [{"meta"}]
