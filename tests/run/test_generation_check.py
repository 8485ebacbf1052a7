"""What a template, a model or a backend cannot do is refused in one line before anything runs."""

import json

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.preflight import preflight
from tests.engine import thinking_toy


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return thinking_toy.checkpoint(tmp_path_factory.mktemp("model"))


def prepared(tmp_path, model="nano", **flags):
    common = {"model": str(model), "recipe": "rtn-w8a16", "benchmark": "nano-reasoning", "cache": str(tmp_path)}
    return preflight(resolve({**common, **flags}))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"template_arg": ["enable_thinking=true"]}, "chat template of nano does not read"),
        ({"sampling": "model"}, "states no sampling in its generation_config.json"),
        ({"max_gen_toks": "model"}, "states no max_new_tokens"),
        ({"max_gen_toks": "gsm8k=9"}, "has a limit for gsm8k, which this run does not measure"),
        ({"max_gen_toks": "nano-knowledge=9", "benchmark": "nano-knowledge"}, "which generates no text"),
        ({"replies": "4"}, "greedy ones are all the same"),
        ({"backend": "lm-eval:hf", "max_gen_toks": "64"}, "a class of lm-eval that generates by its own arguments"),
        ({"backend_candidate": "lm-eval:hf", "backend": "lm-eval:hf", "think_end_token": "</x>"}, "--unicomp-think-end-token is for"),
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path, flags, message):
    with pytest.raises(UsageProblem, match=message) as refused:
        prepared(tmp_path, **flags)
    assert "\n" not in str(refused.value)


def test_a_model_that_can_is_taken(tmp_path, model):
    flags = {"template_arg": ["enable_thinking=true"], "sampling": "model", "replies": "4", "max_gen_toks": "nano-reasoning=64"}
    found = prepared(tmp_path, model, **flags).evaluation
    assert (found.template_arg, found.replies, found.sampling) == (("enable_thinking=true",), 4, "model")


def test_a_limit_for_a_file_of_questions_is_taken_and_for_its_options_refused(tmp_path):
    row = {"prompt": "2 + 2 =", "answer": "4", "options": ["4", "5"]}
    (tmp_path / "sums.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    defined = {name: {"file": str(tmp_path / "sums.jsonl"), "scorer": scorer} for name, scorer in (("sums", "exact"), ("picks", "choice"))}
    flags = {"model": "nano", "recipe": "rtn-w8a16", "benchmark": "sums,picks", "cache": str(tmp_path)}
    found = preflight(resolve({**flags, "max_gen_toks": "sums=9"}, {"benchmarks": defined}))
    assert found.evaluation.max_gen_toks == ("sums=9",)
    with pytest.raises(UsageProblem, match="has a limit for picks, which generates no text"):
        preflight(resolve({**flags, "max_gen_toks": "picks=9"}, {"benchmarks": defined}))


def test_an_unread_argument_names_the_model_of_that_template(tmp_path, model):
    with pytest.raises(UsageProblem, match=rf"gives reasoning_effort, which the chat template of {model} does not read"):
        prepared(tmp_path, model, template_arg=["reasoning_effort=high"])
