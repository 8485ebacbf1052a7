"""Settings of a model's generation_config against lm-eval's hf backend and transformers' own processors, and the random numbers of a row."""

import pytest
import torch
from lm_eval.models.huggingface import HFLM
from transformers.generation import logits_process

from pytest_unicomp.engine.lm import UnicompLM
from pytest_unicomp.engine.sampling import Sampler, build_sampler
from tests.engine.test_generate import PROMPTS, requests
from tests.engine.toy_models import model, tokenizer


@pytest.fixture
def llama(monkeypatch):
    """The toy and a way to set its generation_config."""
    toy = model("llama")

    def says(**values):
        for name, value in values.items():
            monkeypatch.setattr(toy.generation_config, name, value, raising=False)

    return toy, says


def upstream(toy, asked):
    return HFLM(pretrained=toy, tokenizer=tokenizer(), batch_size=1, backend="causal").generate_until(asked, disable_tqdm=True)


def went_upstream(monkeypatch):
    asked = []
    monkeypatch.setattr(HFLM, "generate_until", lambda self, requests, disable_tqdm: asked.append(len(requests)) or ["x"] * len(requests))
    return asked


@pytest.mark.parametrize("penalty", [1.3, 0.7])
@pytest.mark.parametrize("architecture", ["llama", "gemma2", "opt"])
def test_a_repetition_penalty_of_the_model_is_applied_as_in_lm_eval(architecture, penalty, monkeypatch):
    toy = model(architecture)
    asked = requests(PROMPTS, until=["e"], max_gen_toks=20)
    lm = UnicompLM(toy, tokenizer())
    without = lm.generate_until(asked)
    monkeypatch.setattr(toy.generation_config, "repetition_penalty", penalty)
    expected = upstream(toy, asked)
    monkeypatch.setattr(HFLM, "generate_until", None)
    assert lm.generate_until(asked) == expected
    assert expected != without


@pytest.mark.parametrize("setting", [{"no_repeat_ngram_size": 1}, {"suppress_tokens": list(range(100))}, {"min_new_tokens": 12}])
def test_settings_that_are_not_implemented_are_left_to_transformers(llama, setting):
    toy, says = llama
    toy.generation_config.eos_token_id, kept = list(range(100, 266)), toy.generation_config.eos_token_id
    try:
        lm = UnicompLM(toy, tokenizer(), batch_size=1)
        without = lm.generate_until(requests(PROMPTS))
        says(**setting)
        assert lm.generate_until(requests(PROMPTS)) == upstream(toy, requests(PROMPTS))
        if "min_new_tokens" in setting:
            assert lm.generate_until(requests(PROMPTS)) != without
    finally:
        toy.generation_config.eos_token_id = kept


def test_sampling_settings_do_not_change_greedy_texts(llama, monkeypatch):
    toy, says = llama
    lm = UnicompLM(toy, tokenizer())
    greedy = lm.generate_until(requests(PROMPTS))
    says(top_k=3, top_p=0.5, min_p=0.2, typical_p=0.3)
    asked = went_upstream(monkeypatch)
    assert lm.generate_until(requests(PROMPTS)) == greedy
    assert asked == []
    # transformers takes no seed among its settings.
    assert lm.generate_until(requests(PROMPTS, do_sample=True, temperature=1.0, seed=3)) == ["x"] * len(PROMPTS)
    assert asked == [len(PROMPTS)]


def test_with_top_k_of_one_or_a_tiny_top_p_sampling_is_greedy(llama):
    toy, says = llama
    lm = UnicompLM(toy, tokenizer())
    asked = requests(PROMPTS, do_sample=True, temperature=2.0)
    free = lm.generate_until(asked)
    for setting in ({"top_k": 1}, {"top_k": None, "top_p": 1e-6}):
        says(**setting)
        assert lm.generate_until(asked) == lm.generate_until(requests(PROMPTS)) != free


@pytest.mark.parametrize(("top_k", "top_p"), [(5, 1.0), (0, 0.8), (20, 0.5), (500, 0.0)])
def test_top_k_and_top_p_keep_the_tokens_that_transformers_keeps(top_k, top_p):
    scores = torch.randn(16, 100, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
    expected = scores
    if top_k:
        expected = logits_process.TopKLogitsWarper(top_k)(None, expected)
    if top_p < 1:
        expected = logits_process.TopPLogitsWarper(top_p)(None, expected)
    assert torch.equal(Sampler(1.0, top_k=top_k, top_p=top_p).filter_top_k_top_p(scores), expected)


def test_settings_that_the_config_leaves_out_have_no_effect():
    from transformers import GenerationConfig

    assert build_sampler(GenerationConfig(), 0.0, 7) == Sampler()
    assert build_sampler(GenerationConfig(), 0.5, 7) == Sampler(0.5, 7)
    assert build_sampler(GenerationConfig(top_k=20, top_p=0.8, repetition_penalty=1.05, do_sample=True), 0.5, 7) == Sampler(
        0.5, 7, 1.05, 20, 0.8
    )


def test_random_numbers_never_change_and_differ_between_equal_requests():
    """Stored replies stay valid."""
    draw = Sampler(1.0, 1234).random_numbers
    assert draw([3, 1], 0, 2).tolist() == [0.8688675474060689, 0.7074958598990122]
    assert len({float(draw([3, 1], ordinal, 1)) for ordinal in range(20)}) == 20
    assert Sampler(0.0, 1234).random_numbers([3, 1], 0, 2) is None
