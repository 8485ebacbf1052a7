"""A chat endpoint gets messages and gives replies; it scores nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine import Engine, load
from pytest_unicomp.engine.serving import Endpoint, connect
from pytest_unicomp.engine.serving.chat import messages_of, rendered
from pytest_unicomp.engine.serving.client_calls import texts
from tests.engine.serving.loopback import Loopback

EVALUATION = Evaluation(limit=12, seed=0, bundle=None, device="cpu", dtype="float32")
MESSAGES = st.lists(st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": st.text()}), min_size=1)


@pytest.fixture(scope="module")
def nano() -> Engine:
    return load(NANO, device="cpu", dtype="float32")


def test_replies_through_messages_are_those_of_the_same_model_loaded_here_if_the_server_has_its_template(nano):
    benchmark = benchmarks()["nano-instruction-following"]
    here = benchmark.score(nano, EVALUATION)
    with Loopback(nano, chat=True) as server:
        there = benchmark.score(connect(Endpoint.parse(server.url), NANO), EVALUATION)
        assert set(server.requests) == {"/v1/chat/completions"}
    assert [item.answer for item in there.items] == [item.answer for item in here.items]
    assert (there.engine, there.template) == ("chat server", "server")
    assert json.loads(there.items[0].prompt)["messages"][-1]["role"] == "user"


def test_likelihoods_are_refused(nano):
    with Loopback(nano, chat=True) as server:
        engine = connect(Endpoint.parse(server.url), NANO)
        with pytest.raises(InfrastructureError, match="spoken to in messages and cannot score"):
            benchmarks()["nano-knowledge"].score(engine, EVALUATION)


def test_a_server_without_chat_is_an_error_when_it_is_connected(nano):
    with Loopback(nano) as server, pytest.raises(InfrastructureError, match=r"/v1/chat/completions answered 404"):
        connect(Endpoint.parse(f"{server.url}/chat/completions"), NANO)


@given(MESSAGES)
def test_messages_come_back_from_the_text_of_their_prompt(messages):
    assert messages_of(rendered(messages)) == messages


@pytest.mark.parametrize("prompt", ["Hello", '{"messages": broken', '{"messages": [], "more": 1}', '{"messages": "text"}', '["a"]', ""])
def test_any_other_prompt_is_what_a_user_says(prompt):
    assert messages_of(prompt) == [{"role": "user", "content": prompt}]


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"choices": []}, {"choices": [{"index": 0}]}, {"choices": [{"index": 0, "message": {"content": 7}}]}]
)
def test_an_answer_that_is_no_reply_is_an_error(answer):
    with pytest.raises(InfrastructureError, match=r"http://host/x answered .*; expected choices, each with message.content"):
        texts(answer, "http://host/x", "message", "content")


def test_replies_are_put_in_order_and_a_null_one_is_empty():
    answer = {"choices": [{"index": 1, "message": {"content": None}}, {"index": 0, "message": {"content": "first"}}]}
    assert texts(answer, "http://host", "message", "content") == ["first", ""]


def test_a_key_that_a_server_sends_back_is_not_repeated_and_its_variable_is_named(nano, monkeypatch):
    monkeypatch.setenv("OTHER_KEY", "sk-a-wrong-one")
    with Loopback(nano, chat=True, key="the right one") as server, pytest.raises(InfrastructureError) as refused:
        connect(Endpoint.parse(server.url, key_variable="OTHER_KEY"), NANO)
    assert "answered 401" in str(refused.value)
    assert "wrong key: Bearer [key]" in str(refused.value)
    assert "OTHER_KEY, which is set" in str(refused.value)
