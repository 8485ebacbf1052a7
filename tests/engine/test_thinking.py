"""A model that thinks, from template argument to recorded reply."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest

from pytest_unicomp import engine
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.benchmarks.replies import Prompt, ReplyBenchmark
from pytest_unicomp.engine.resume_log import ResumeLog
from pytest_unicomp.run import evaluate
from tests.engine import thinking_toy
from tests.engine.toy_engine import evaluation
from tests.toys import artifact

THINKING = replace(evaluation(), template_arg=("enable_thinking=true",))


@dataclass(frozen=True, kw_only=True)
class Sums(ReplyBenchmark):
    capability: str = "reasoning"
    metric: str = "exact_match"
    tokens: int = 64

    def prompts(self, evaluation: Evaluation) -> Iterable[Prompt]:
        yield from (Prompt(f"q{number}", f"{number}", target="4") for number in range(3))

    def grade(self, prompt: Prompt, reply: str) -> float:
        return float(reply == prompt.target)


@pytest.fixture(scope="module")
def thinks(tmp_path_factory) -> engine.Engine:
    return engine.load(thinking_toy.checkpoint(tmp_path_factory.mktemp("thinks")), device="cpu", dtype="auto")


@pytest.fixture(scope="module")
def loops(tmp_path_factory) -> engine.Engine:
    return engine.load(thinking_toy.checkpoint(tmp_path_factory.mktemp("loops"), thinking_toy.LOOPS), device="cpu", dtype="auto")


def measured(loaded, how, **changes):
    return evaluate.measure(artifact(str(loaded.path)), "sums", Sums(**changes), loaded, how)


def test_a_template_argument_makes_it_think_and_the_answer_alone_is_scored(thinks):
    found = measured(thinks, THINKING)
    assert found.value == 1
    reply = found.items[0].replies[0]
    assert (reply.answer, reply.thoughts, reply.unfinished) == ("4", "xy", False)
    assert (reply.tokens, reply.truncated, reply.looping, reply.score) == (5, False, False, 1.0)
    assert found.items[0].answer == "4"
    assert found.conditions.template_arguments == {"enable_thinking": True}
    assert found.conditions.generation["think_end_token"] == "</think>"


def test_without_the_argument_it_answers_at_once(thinks):
    found = measured(thinks, evaluation())
    assert found.value == 0
    assert (found.items[0].replies[0].answer, found.items[0].replies[0].thoughts) == ("5", None)
    assert found.conditions.template_arguments == {}


def test_a_thought_that_never_ends_is_cut_and_seen_to_loop(loops):
    found = measured(loops, THINKING)
    reply = found.items[0].replies[0]
    assert (reply.answer, reply.unfinished, reply.truncated, reply.looping, reply.tokens) == ("", True, True, True, 64)
    assert reply.thoughts == "xy" * 31 + "x"


def test_the_token_limit_of_the_run_replaces_that_of_the_benchmark(loops, thinks):
    assert measured(loops, replace(THINKING, max_gen_toks=("40",))).items[0].replies[0].tokens == 40
    cut = measured(thinks, replace(THINKING, max_gen_toks=("3",)))
    assert (cut.conditions.generation["max_gen_toks"], cut.items[0].replies[0].unfinished) == (3, True)
    # As many tokens as the limit allows, the last of which is the end: not cut.
    assert measured(thinks, replace(THINKING, max_gen_toks=("6",))).items[0].replies[0].truncated is False


def test_a_model_that_thinks_has_the_limit_of_its_card_unless_another_is_given(tmp_path):
    folder = thinking_toy.checkpoint(tmp_path, thinking_toy.LOOPS, generation={"max_new_tokens": 50})
    loaded = engine.load(folder, device="cpu", dtype="auto")
    assert measured(loaded, THINKING).items[0].replies[0].tokens == 50
    assert measured(loaded, replace(THINKING, max_gen_toks=("40",))).items[0].replies[0].tokens == 40


def test_the_end_of_thought_can_be_given(thinks):
    found = measured(thinks, replace(THINKING, think_end_token="x"))
    assert (found.items[0].answer, found.conditions.generation["think_end_token"]) == ("y</think>4", "x")


def test_a_stop_string_in_a_thought_does_not_end_the_reply(thinks):
    @dataclass(frozen=True, kw_only=True)
    class Stops(Sums):
        def score(self, engine, evaluation):
            from lm_eval.api.instance import Instance

            rendered = engine.lm.apply_chat_template([{"role": "user", "content": "1"}])
            texts = engine.lm.generate_until([Instance("generate_until", {}, (rendered, {"until": ["y", "4"], "max_gen_toks": 9}), 0)])
            said.extend(texts)
            return super().score(engine, evaluation)

    said: list[str] = []
    evaluate.measure(artifact(str(thinks.path)), "sums", Stops(), thinks, THINKING)
    assert said == [""]


def test_replies_of_several_passes_differ_and_average(tmp_path):
    # Unsure of every token, but most likely right.
    folder = thinking_toy.checkpoint(tmp_path, {"?": "4", "4": "</s>"}, certainty=3.4)
    loaded = engine.load(folder, device="cpu", dtype="auto")
    how = replace(evaluation(), sampling="model", replies=8)
    found = measured(loaded, how, tokens=2)
    assert found.conditions.replies == 8
    sampling = {name: found.conditions.generation[name] for name in ("do_sample", "temperature", "top_p", "top_k", "seed")}
    assert sampling == {**thinking_toy.SAMPLING, "seed": 0}
    for item in found.items:
        assert len(item.replies) == 8
        assert item.score == sum(reply.score for reply in item.replies) / 8
    answers = {reply.answer for item in found.items for reply in item.replies}
    assert "4" in answers
    assert len(answers) > 1
    assert measured(loaded, how, tokens=2).items == found.items


def test_a_resumed_pass_gives_the_same_replies(thinks, tmp_path):
    how = replace(THINKING, sampling="model", replies=2)
    log = ResumeLog(tmp_path / "log.jsonl")
    with log.attached_to(thinks.lm):
        first = measured(thinks, how)
    log.close(keep=True)
    again = ResumeLog(tmp_path / "log.jsonl")
    with again.attached_to(thinks.lm):
        assert measured(thinks, how).items == first.items
    # Three prompts, two passes, of which the first numbers its equal prompts from 0.
    assert len(again) == 6


def test_a_model_without_sampling_of_its_own_is_an_error_if_it_is_asked_for(tmp_path):
    folder = thinking_toy.checkpoint(tmp_path, generation={})
    loaded = engine.load(folder, device="cpu", dtype="auto")
    with pytest.raises(InfrastructureError, match="states no sampling"):
        measured(loaded, replace(THINKING, sampling="model"))
    with pytest.raises(InfrastructureError, match="states no token limit"):
        measured(loaded, replace(THINKING, max_gen_toks=("model",)))


def test_by_transformers_thoughts_are_cut_too_and_lengths_are_not_known(thinks, monkeypatch):
    monkeypatch.setattr("pytest_unicomp.engine.lm.SUPPORTED_SETTINGS", set())
    reply = measured(thinks, THINKING).items[0].replies[0]
    assert (reply.answer, reply.thoughts, reply.tokens, reply.truncated) == ("4", "xy", None, None)
