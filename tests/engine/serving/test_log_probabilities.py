"""Log-probabilities of a server are checked before they become scores, and the message names the wrong field."""

from __future__ import annotations

import math
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine import load
from pytest_unicomp.engine.serving import Endpoint, connect
from pytest_unicomp.engine.serving import lm as client
from pytest_unicomp.engine.serving.log_probabilities import problem
from tests.engine.serving.loopback import Loopback

IDS = [5, 6, 7]
RIGHT = {
    "choices": [
        {
            "index": 0,
            "logprobs": {
                "token_logprobs": [None, -1.0, -0.5, -2.0],
                "top_logprobs": [None, {"a": -0.5}, {"b": -0.5, "c": -3}, {"d": -0.1}],
            },
        }
    ]
}


def changed(**fields):
    answer = deepcopy(RIGHT)
    answer["choices"][0]["logprobs"] |= fields
    return answer


def test_a_right_answer_has_no_problem():
    assert problem(RIGHT, IDS, 1) is None
    # Rounding in 16 bits.
    assert problem(changed(token_logprobs=[None, -1.0, 1e-7, -2.0]), IDS, 1) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.5, None, "-1"])
def test_a_value_that_is_no_log_probability_is_named_with_its_field(value):
    wrong = problem(changed(token_logprobs=[None, -1.0, value, -2.0]), IDS, 1)
    assert wrong == f"choices[0].logprobs.token_logprobs[2] = {value!r}; expected a finite number of at most 0"
    wrong = problem(changed(top_logprobs=[None, {"a": -1.0}, {"b": value}, {"c": -1.0}]), IDS, 1)
    assert wrong.startswith("choices[0].logprobs.top_logprobs[2] = {'b': ")


@pytest.mark.parametrize("field", ["token_logprobs", "top_logprobs"])
@pytest.mark.parametrize(("values", "count"), [([None, -1.0, -1.0], "3"), ([None, *[-1.0] * 4], "5"), ([], "0"), (None, "no")])
def test_too_few_and_too_many_values_are_named_with_their_field(field, values, count):
    expected = f"{count} values in choices[0].logprobs.{field}; expected 3 for the prompt and one generated"
    assert problem(changed(**{field: values}), IDS, 1) == expected


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"choices": []}, {"choices": [{"index": 1}]}, {"choices": [{"index": 0, "logprobs": None}]}]
)
def test_an_answer_without_log_probabilities_is_named(answer):
    assert problem(answer, IDS, 1) == "no choices[0].logprobs with token_logprobs and top_logprobs"


def test_a_token_that_was_not_sent_is_named_if_the_server_names_tokens_by_id():
    assert problem(changed(tokens=["token_id:5", "token_id:6", "token_id:7", "token_id:1"]), IDS, 1) is None
    # A text says too little: several tokens may have the same.
    assert problem(changed(tokens=["a", "b", None, 3]), IDS, 1) is None
    wrong = problem(changed(tokens=["token_id:5", "token_id:60", "token_id:7", "token_id:1"]), IDS, 1)
    assert wrong == "choices[0].logprobs.tokens[1] = 'token_id:60'; expected token_id:6, which was sent"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda values: st.lists(values) | st.dictionaries(st.text(), values)
)


@given(JSON, JSON, JSON)
def test_any_json_gives_a_verdict_and_no_exception(scores, tops, tokens):
    fields = (changed(token_logprobs=scores, top_logprobs=tops), changed(tokens=tokens))
    for found in (*(problem(answer, IDS, 1) for answer in fields), problem(scores, IDS, 1)):
        assert found is None or (isinstance(found, str) and found and "\n" not in found)


class Wrong(Loopback):
    """Answers the first echo, which is the probe, rightly, and all later ones with `scores(right ones)`."""

    def __init__(self, engine, scores):
        super().__init__(engine)
        self.scores, self.echoes = scores, 0

    def complete(self, payload):
        answer = super().complete(payload)
        self.echoes += bool(payload.get("echo"))
        if payload.get("echo") and self.echoes > 1:
            found = answer["choices"][0]["logprobs"]
            found["token_logprobs"] = self.scores(found["token_logprobs"])
        return answer


class Shifted(Loopback):
    """Scores the tokens that it was sent, and names others after the first answer; it refuses a field that it does not know unless `by_id`."""

    def __init__(self, engine, *, by_id):
        super().__init__(engine)
        self.by_id, self.echoes = by_id, 0

    def complete(self, payload):
        if "return_tokens_as_token_ids" in payload and not self.by_id:
            raise ValueError("unknown field")
        answer = super().complete(payload)
        if payload.get("echo") and payload.get("return_tokens_as_token_ids"):
            self.echoes += 1
            # A client sends a list of prompts, the probe one.
            [sent] = payload["prompt"] if isinstance(payload["prompt"][0], list) else [payload["prompt"]]
            shift = int(self.echoes > 1)
            answer["choices"][0]["logprobs"]["tokens"] = [f"token_id:{token + shift}" for token in [*sent, 0]]
        return answer


@pytest.fixture(scope="module")
def nano():
    return load(NANO, device="cpu", dtype="float32")


@pytest.mark.parametrize(
    ("scores", "named"),
    [
        (lambda right: [*right[:-2], math.nan, right[-1]], r"token_logprobs\[\d+\] = nan"),
        (lambda right: [*right[:-2], -math.inf, right[-1]], r"token_logprobs\[\d+\] = -inf"),
        (lambda right: [*right[:-2], 2.5, right[-1]], r"token_logprobs\[\d+\] = 2\.5"),
        (lambda right: right[:-1], r"\d+ values in choices\[0\]\.logprobs\.token_logprobs"),
    ],
)
def test_wrong_log_probabilities_stop_the_scoring(nano, scores, named, monkeypatch):
    from lm_eval.api.instance import Instance

    monkeypatch.setattr(client, "RETRIES", 1)
    with Wrong(nano, scores) as server:
        engine = connect(Endpoint.parse(server.url), NANO)
        with pytest.raises(InfrastructureError, match=named):
            engine.lm.loglikelihood([Instance("loglikelihood", {}, ("The fox", " jumps"), 0)], disable_tqdm=True)


def test_a_server_with_wrong_log_probabilities_in_the_probe_only_generates(nano):
    from lm_eval.api.instance import Instance

    server = Wrong(nano, lambda right: [None, *[math.nan] * (len(right) - 1)])
    server.echoes = 1
    with server:
        engine = connect(Endpoint.parse(server.url), NANO)
        with pytest.raises(InfrastructureError, match=r"cannot score answer options: .*token_logprobs\[1\] = nan"):
            engine.lm.loglikelihood([Instance("loglikelihood", {}, ("The fox", " jumps"), 0)], disable_tqdm=True)


def test_log_probabilities_of_other_tokens_stop_the_scoring(nano, monkeypatch):
    from lm_eval.api.instance import Instance

    monkeypatch.setattr(client, "RETRIES", 1)
    with Shifted(nano, by_id=True) as server:
        engine = connect(Endpoint.parse(server.url), NANO)
        with pytest.raises(InfrastructureError, match=r"logprobs\.tokens\[0\] = 'token_id:\d+'; expected token_id:\d+, which was sent"):
            engine.lm.loglikelihood([Instance("loglikelihood", {}, ("The fox", " jumps"), 0)], disable_tqdm=True)


def test_a_server_that_refuses_the_field_for_ids_scores_without_it(nano):
    from lm_eval.api.instance import Instance

    with Shifted(nano, by_id=False) as server:
        engine = connect(Endpoint.parse(server.url), NANO)
        [(score, _)] = engine.lm.loglikelihood([Instance("loglikelihood", {}, ("The fox", " jumps"), 0)], disable_tqdm=True)
    assert score < 0
