"""Which items are searched, in which unit, and which pairs of models have no common blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from transformers import LlamaConfig, LlamaForCausalLM

from pytest_unicomp import engine
from pytest_unicomp.api.errors import UnicompError, UsageProblem
from pytest_unicomp.api.protocols import Evaluation, ItemBenchmark, Scored
from pytest_unicomp.compare import NATS
from pytest_unicomp.run import reply_passes
from pytest_unicomp.run.locate_loss import Loss, locate, lost_items, unit_of
from tests.engine import thinking_toy
from tests.toys import item, measurement

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


@dataclass(frozen=True, kw_only=True)
class Choice(ItemBenchmark):
    """Two questions with two options each, asked by the chat template."""

    capability: str = "knowledge"
    metric: str = "acc"
    shots: int = 0

    def identity(self, evaluation):
        return {"dataset": "0123456789abcdef"}

    def score(self, engine, evaluation):
        from lm_eval.api.instance import Instance

        items = []
        for question in "12":
            prompt = engine.lm.apply_chat_template([{"role": "user", "content": question}])
            requests = [Instance("loglikelihood", {}, (prompt, option), place) for place, option in enumerate("45")]
            logs = [float(found[0]) for found in engine.lm.loglikelihood(requests, disable_tqdm=True)]
            items.append(item(question, 1.0).model_copy(update={"prompt_digest": prompt, "log_probabilities": logs}))
        return Scored(items=tuple(items), chance=0.5, template="t", generation={}, engine="toy")


def test_the_prompts_have_the_arguments_that_the_run_gave_to_the_template(tmp_path):
    loaded = engine.load(thinking_toy.checkpoint(tmp_path), device="cpu", dtype="auto")
    how = replace(EVALUATION, template_arg=("enable_thinking=true",), max_gen_toks=("gsm8k=9",), sampling="model", replies=4)
    items = reply_passes.scored_in_passes(Choice(), loaded, replace(how, max_gen_toks=())).items
    assert [one.prompt_digest for one in items] == ["1!", "2!"]
    loss = Loss("toy", "knowledge", "toy", items, "lead", how, {"toy": Choice()})
    # The same model twice: it is asked, and has lost nothing.
    with pytest.raises(UnicompError, match="there is no loss to locate"):
        locate(loss, loaded, loaded, passes=64, alpha=0.05, progress=lambda part: None)
