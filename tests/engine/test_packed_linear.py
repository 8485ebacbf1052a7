"""Packed products are those of the layer up to rounding, and afterwards every weight is what it was, bit for bit."""

import pytest
import torch

from pytest_unicomp.engine import packed_linear
from pytest_unicomp.engine.packed_linear import packed
from tests.engine.toy_models import model

made = model.__wrapped__


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "opt", "gpt_neox"])
@pytest.mark.parametrize("tied", [False, True])
def test_logits_are_the_same_within_and_weights_afterwards(architecture, tied):
    one = made(architecture, tie_word_embeddings=tied)
    before = {name: parameter.detach().clone() for name, parameter in one.named_parameters()}
    ids = torch.randint(0, 250, (3, 7), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = one(input_ids=ids).logits
        with packed(one):
            found = one(input_ids=ids).logits
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
        assert torch.equal(one(input_ids=ids).logits, expected)
    assert {name for name, parameter in one.named_parameters() if torch.equal(parameter, before[name])} == set(before)


def held(one):
    return sum(parameter.nbytes for parameter in one.parameters())


def test_a_weight_is_moved_and_one_with_other_users_is_not():
    one = made("llama", tie_word_embeddings=True)
    whole, embeddings = held(one), one.get_input_embeddings().weight.nbytes
    linear = sum(module.weight.nbytes for module in one.model.modules() if isinstance(module, torch.nn.Linear))
    with packed(one):
        assert held(one) == whole - linear
        assert one.get_input_embeddings().weight.nbytes == embeddings
        assert "forward" in vars(one.lm_head)
    assert held(one) == whole


def test_a_large_shared_weight_is_not_copied(monkeypatch):
    monkeypatch.setattr(packed_linear, "MAX_SHARED_BYTES", 1)
    one = made("llama", tie_word_embeddings=True)
    with packed(one):
        assert "forward" not in vars(one.lm_head)
        assert "forward" in vars(one.model.layers[0].mlp.up_proj)


def test_layers_that_are_more_than_a_product_and_other_dtypes_stay_as_they_are():
    class Rounded(torch.nn.Linear):
        pass

    one = made("llama")
    mlp = one.model.layers[0].mlp
    mlp.up_proj = Rounded(32, 48, bias=False)
    own = mlp.down_proj.forward = torch.nn.Linear(48, 32, bias=False).forward
    with packed(one):
        assert "forward" not in vars(mlp.up_proj)
        assert mlp.down_proj.forward is own
        assert mlp.gate_proj.weight.numel() == 0
    half = made("llama").to(torch.bfloat16)
    with packed(half):
        assert all("forward" not in vars(module) for module in half.modules())


def test_a_model_that_was_packed_in_inference_mode_can_still_be_trained():
    one = made("llama")
    with torch.inference_mode(), packed(one):
        pass
    one(input_ids=torch.tensor([[1, 2, 3]])).logits.sum().backward()
    assert all(parameter.grad is not None for parameter in one.parameters())


def test_weights_come_back_if_the_block_raises():
    one = made("llama")
    before = one.model.layers[0].mlp.up_proj.weight.clone()
    with pytest.raises(KeyboardInterrupt), packed(one):
        raise KeyboardInterrupt
    assert torch.equal(one.model.layers[0].mlp.up_proj.weight, before)
    assert "forward" not in vars(one.model.layers[0].mlp.up_proj)
