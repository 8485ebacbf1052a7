"""The last decoder layer is computed at selected positions alone, and no result changes."""

import pytest
import torch

from pytest_unicomp.engine import last_decoder_layer
from pytest_unicomp.engine.last_decoder_layer import LastDecoderLayer
from pytest_unicomp.engine.lm import UnicompLM
from pytest_unicomp.engine.lm_head import LMHead
from pytest_unicomp.engine.model_probe import probe
from tests.engine.test_loglikelihood import PAIRS, assert_same, instances, plain
from tests.engine.toy_models import ARCHITECTURES, model, tokenizer

IDS = torch.arange(1, 21).reshape(2, 10)


def modules(one):
    last = one.get_decoder().layers[-1]
    return [last.self_attn.q_proj, last.self_attn.o_proj, last.mlp]


@torch.no_grad()
def test_the_modules_see_the_selected_positions_alone_and_the_logits_stay():
    one = model("llama")
    whole, seen = one(input_ids=IDS).logits, []
    handles = [module.register_forward_hook(lambda _, given, __: seen.append(tuple(given[0].shape[:2]))) for module in modules(one)]
    head = LMHead(one, unmodified=True, last_layer=LastDecoderLayer(one))
    with head.at_positions([0, 1, 1], [9, 3, 4]):
        output = one(input_ids=IDS).logits
    found = head.logits(output)
    for handle in handles:
        handle.remove()
    torch.testing.assert_close(found, whole[[0, 1, 1], [9, 3, 4]])
    assert seen == [(1, 3)] * 3
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in modules(one))


@torch.no_grad()
def test_if_most_positions_are_selected_all_are_computed():
    one, seen = model("llama"), []
    handle = modules(one)[0].register_forward_hook(lambda _, given, __: seen.append(tuple(given[0].shape[:2])))
    head = LMHead(one, unmodified=True, last_layer=LastDecoderLayer(one))
    with head.at_positions([0] * 10 + [1], [*range(10), 0]):
        output = one(input_ids=IDS).logits
    found = head.logits(output)
    handle.remove()
    assert seen == [(2, 10)]
    torch.testing.assert_close(found[:10], one(input_ids=IDS).logits[0])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_models_with_llamas_module_names_use_it_and_score_as_before(architecture):
    one = model(architecture)
    lm = UnicompLM(one, tokenizer())
    assert lm.capabilities.lm_head._last_layer is not None
    assert_same(lm.loglikelihood(instances(PAIRS), disable_tqdm=True), plain(lm, PAIRS))


def test_a_last_layer_that_gives_other_results_is_computed_whole(monkeypatch):
    scatter = last_decoder_layer._SelectedPositions.scatter
    monkeypatch.setattr(last_decoder_layer._SelectedPositions, "scatter", lambda *given: scatter(*given) / 2)
    found = probe(model("llama"))
    assert (found.attention, found.lm_head._last_layer) == ("cascade", None)


def test_a_layer_without_llamas_module_names_is_refused():
    with pytest.raises(ValueError, match="names no parts of its last layer"):
        LastDecoderLayer(model("mamba"))
