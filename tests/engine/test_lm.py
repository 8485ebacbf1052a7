"""UnicompLM as a language model of lm-eval: usable by anyone, with requests grouped by their settings."""

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from tests.engine.test_generate import PROMPTS, requests


def test_the_language_model_works_in_lm_eval(tiny):
    from lm_eval import simple_evaluate
    from lm_eval.api.model import LM

    from pytest_unicomp.engine import UnicompLM

    lm = UnicompLM(tiny.model, tiny.tokenizer)
    assert isinstance(lm, LM)
    assert callable(simple_evaluate)
    assert lm.generate_until(requests(PROMPTS[:2])) == tiny.lm.generate_until(requests(PROMPTS[:2]))
    assert lm.loglikelihood([Instance("loglikelihood", {}, ("one", " two"), 0)], disable_tqdm=True)[0][0] < 0


def test_unsupported_settings_are_left_to_transformers(tiny, monkeypatch):
    asked = []
    monkeypatch.setattr(HFLM, "generate_until", lambda self, requests, disable_tqdm: asked.append(len(requests)) or ["x"] * len(requests))
    assert tiny.lm.generate_until(requests(PROMPTS, repetition_penalty=1.2)) == ["x"] * len(PROMPTS)
    assert asked == [len(PROMPTS)]


def test_requests_with_different_settings_keep_their_order(tiny):
    mixed = [requests([prompt], max_gen_toks=3 + number % 2)[0] for number, prompt in enumerate(PROMPTS)]
    assert tiny.lm.generate_until(mixed) == [tiny.lm.generate_until([request])[0] for request in mixed]
