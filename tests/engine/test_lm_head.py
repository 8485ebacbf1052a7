"""What the last layer computes for positions that nobody asks about is spared, and nothing that is asked changes."""

import pytest
import torch

from pytest_unicomp.engine import last_layer
from pytest_unicomp.engine.last_layer import LastLayer
from pytest_unicomp.engine.lm import make
from pytest_unicomp.engine.lm_head import Head
from pytest_unicomp.engine.model_probe import support
from tests.engine.test_loglikelihood import PAIRS, ask, assert_same, plain
from tests.engine.toy_models import ARCHITECTURES, model, tokenizer

IDS = torch.arange(1, 21).reshape(2, 10)


def parts(one):
    last = one.get_decoder().layers[-1]
    return [last.self_attn.q_proj, last.self_attn.o_proj, last.mlp]


@torch.no_grad()
def test_the_parts_see_the_asked_positions_alone_and_the_logits_stay():
    one = model("llama")
    whole, seen = one(input_ids=IDS).logits, []
    handles = [part.register_forward_hook(lambda _, given, __: seen.append(tuple(given[0].shape[:2]))) for part in parts(one)]
    head = Head(one, plain=True, last=LastLayer(one))
    with head.reading([0, 1, 1], [9, 3, 4]):
        given = one(input_ids=IDS).logits
    found = head.logits(given)
    for handle in handles:
        handle.remove()
    torch.testing.assert_close(found, whole[[0, 1, 1], [9, 3, 4]])
    assert seen == [(1, 3)] * 3
    assert not any(part._forward_pre_hooks or part._forward_hooks for part in parts(one))


@torch.no_grad()
def test_where_most_positions_are_asked_nothing_is_chosen():
    one, seen = model("llama"), []
    handle = parts(one)[0].register_forward_hook(lambda _, given, __: seen.append(tuple(given[0].shape[:2])))
    head = Head(one, plain=True, last=LastLayer(one))
    with head.reading([0] * 10 + [1], [*range(10), 0]):
        given = one(input_ids=IDS).logits
    found = head.logits(given)
    handle.remove()
    assert seen == [(2, 10)]
    torch.testing.assert_close(found[:10], one(input_ids=IDS).logits[0])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_is_spared_where_it_names_its_parts_and_answers_as_before(architecture):
    one = model(architecture)
    lm = make(one, tokenizer())
    assert lm.support.head._last is not None
    assert_same(lm.loglikelihood(ask(PAIRS), disable_tqdm=True), plain(lm, PAIRS))


def test_a_last_layer_that_does_not_treat_positions_alone_is_left_whole(monkeypatch):
    put_back = last_layer._Asked.put_back
    monkeypatch.setattr(last_layer._Asked, "put_back", lambda *given: put_back(*given) / 2)
    found = support(model("llama"))
    assert (found.way, found.head._last) == ("folded", None)
