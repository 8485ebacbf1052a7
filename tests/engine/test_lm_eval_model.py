"""Model classes of lm-eval give benchmarks what this package's own engine gives them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.config.backend import LmEvalBackend
from pytest_unicomp.engine import load
from pytest_unicomp.engine.lm_eval_model import _answers, arguments, gives
from pytest_unicomp.engine.lm_eval_model import load as load_by_lm_eval

EVALUATION = Evaluation(limit=8, seed=0, bundle=None, device="cpu", dtype="float32")


def test_its_own_hf_class_scores_as_the_engine_does():
    here = load(NANO, device="cpu", dtype="float32")
    there = load_by_lm_eval(LmEvalBackend("hf", (("dtype", "float32"), ("device", "cpu"))), NANO, tokenizer=NANO)
    for name in ("nano-knowledge", "nano-instruction-following", "nano-perplexity"):
        mine, its = (benchmarks()[name].score(engine, EVALUATION) for engine in (here, there))
        assert its.engine == "lm-eval"
        assert its.template == mine.template
        assert [item.answer for item in its.items] == [item.answer for item in mine.items]
        assert [item.score for item in its.items] == pytest.approx([item.score for item in mine.items], abs=1e-3)
        assert [item.prompt_digest for item in its.items] == [item.prompt_digest for item in mine.items]
        assert not any(item.top_tokens for item in its.items)
    there.release()


@pytest.mark.parametrize(
    ("name", "likelihoods"), [("hf", True), ("local-completions", True), ("local-chat-completions", False), ("dummy", True)]
)
def test_what_a_class_gives_is_known_before_one_is_made(name, likelihoods):
    found = gives(LmEvalBackend(name), "--unicomp-backend")
    assert (found.likelihoods, found.generated_text) == (likelihoods, True)
    assert str(found).startswith("gives likelihoods and generated text" if likelihoods else "gives generated text, ")


@pytest.mark.skipif(find_spec("vllm") is not None, reason="the library of the class is installed")
def test_a_class_whose_library_is_missing_is_refused_with_its_name():
    with pytest.raises(UsageProblem, match=r"--unicomp-backend names 'vllm', whose library is not installed here: No module named 'vllm'"):
        gives(LmEvalBackend("vllm"), "--unicomp-backend")


class Toy:
    """Answers what it is given, with a model that it gets when it is made."""

    def __init__(self) -> None:
        self.model = str.upper

    def loglikelihood(self, requests: list[str]) -> list[str]:
        return [self.model(request) for request in requests]

    def generate_until(self, requests: list[str]) -> list[str]:
        model = self.model
        return [model(request) for request in requests]


class Refuses(Toy):
    """Says why before it refuses, in a function of its own."""

    def loglikelihood(self, requests: list[str]) -> list[str]:
        reason = "no log-probabilities"
        return self.refuse(reason)

    def refuse(self, reason: str) -> list[str]:
        raise NotImplementedError(reason)


def test_a_class_is_asked_and_not_read():
    assert [_answers(found, "loglikelihood") for found in (Toy, Refuses)] == [True, False]
    # It has no model when it is asked, and fails; that is no refusal.
    assert _answers(Refuses, "generate_until")


def test_a_class_without_source_is_asked_too():
    names: dict[str, type] = {}
    exec("class Compiled:\n    def loglikelihood(self, requests):\n        raise NotImplementedError\n", names)
    assert not _answers(names["Compiled"], "loglikelihood")


def test_the_data_type_is_the_classes_own_affair_so_that_two_classes_can_be_compared():
    made = [
        load_by_lm_eval(LmEvalBackend("hf", arguments), NANO, tokenizer=NANO)
        for arguments in ((("device", "cpu"),), (("device", "cpu"), ("dtype", "bfloat16")))
    ]
    assert made[0].dtype == made[1].dtype


def test_an_unknown_class_is_refused_with_the_nearest_name():
    with pytest.raises(
        UsageProblem, match=r"--unicomp-backend names 'openvin', which is no model class of lm-eval; it has .*Did you mean 'openvino'"
    ):
        gives(LmEvalBackend("openvin"), "--unicomp-backend")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), {"pretrained": "/out/w4"}),
        ((("dtype", "float32"), ("batch_size", "8")), {"pretrained": "/out/w4", "dtype": "float32", "batch_size": 8}),
        ((("pretrained", "other"),), {"pretrained": "other"}),
        ((("model", "{model}/ov"),), {"model": "/out/w4/ov"}),
    ],
)
def test_the_model_is_the_argument_pretrained_unless_another_holds_it(given, expected):
    assert arguments(LmEvalBackend("x", given), Path("/out/w4")) == expected
