"""Which items are searched, in which unit, and which pairs of models have no common blocks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.compare import NATS
from pytest_unicomp.run.locate_loss import Loss, locate, lost_items, unit_of
from tests.toys import measurement

EVALUATION = Evaluation(limit=None, seed=0, bundle=None, device="cpu", dtype="float32")


def llama(blocks, hidden=8):
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=8,
        num_hidden_layers=blocks,
        num_attention_heads=2,
        num_key_value_heads=2,
        vocab_size=16,
    )
    return SimpleNamespace(model=LlamaForCausalLM(config))


def searched(reference, candidate, **how):
    items = measurement([1.0, 1.0]).items
    loss = Loss("toy", "knowledge", "toy", items, "reply", EVALUATION)
    return locate(loss, reference, candidate, **{"passes": 64, "alpha": 0.05, "progress": lambda part: None, **how})


def test_the_largest_losses_come_first_and_gains_are_no_losses():
    reference, candidate = measurement([1.0, 0.6, 0.0, 1.0]), measurement([0.5, 0.5, 1.0, 0.0])
    assert [item.id for item in lost_items(reference, candidate, most=9)] == ["toy/3", "toy/0", "toy/1"]
    assert [item.id for item in lost_items(reference, candidate, most=1)] == ["toy/3"]


def test_more_errors_are_a_loss_where_less_is_better():
    sides = [measurement(scores).model_copy(update={"higher_is_better": False}) for scores in ([0.0, 1.0], [1.0, 0.0])]
    assert [item.id for item in lost_items(*sides, most=9)] == ["toy/0"]


def test_an_item_that_a_side_could_not_score_is_not_searched():
    assert lost_items(measurement([1.0, None]), measurement([None, 0.0]), most=9) == []


def test_the_unit_follows_from_what_the_items_hold():
    replies = measurement([1.0])
    options = replies.model_copy(update={"items": [replies.items[0].model_copy(update={"log_probabilities": [-1.0, -2.0]})]})
    assert [unit_of(one) for one in (replies, options, replies.model_copy(update={"metric": NATS}))] == ["reply", "lead", "text"]


def test_a_model_with_fewer_blocks_has_no_counterparts():
    with pytest.raises(UsageProblem, match=r"toy has 2 decoder blocks in model.layers and the reference 3 in model.layers"):
        searched(llama(3), llama(2))


def test_too_few_passes_are_refused_before_anything_is_measured():
    with pytest.raises(UsageProblem, match="--passes is 7; expected at least 8"):
        searched(llama(2), llama(2), passes=7)
