"""A key appears in nothing that is shown, and no text of the model is changed for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving.key import answer_without_key, without_key
from tests.engine.serving.test_http_client import respond, server
from tests.engine.serving.test_one_server import posted

KEY = 'sk-"quoted"-é'
HEADERS = {"Authorization": f"Bearer {KEY}"}
URL = "http://host/v1/completions"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["text", KEY, f"before {KEY} after"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "error", KEY]), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_a_key_anywhere_outside_the_models_text_is_replaced_even_if_json_escapes_it(answer):
    whole = {"echo": answer, "choices": [{"index": 0, "text": "plain"}]}
    found = answer_without_key(json.loads(json.dumps(whole)), HEADERS, URL)
    assert KEY not in str(found).replace("\\'", "'")
    assert found["choices"] == whole["choices"]


@pytest.mark.parametrize("choice", [{"text": f"it is {KEY}"}, {"message": {"content": KEY}}, {"logprobs": {"top_logprobs": [{KEY: -1.0}]}}])
def test_a_key_in_the_models_text_is_an_error_that_does_not_repeat_it(choice):
    with pytest.raises(
        InfrastructureError, match="answered with the key itself as a text of the model; give the server another key"
    ) as found:
        answer_without_key({"choices": [choice]}, HEADERS, URL)
    assert KEY not in str(found.value)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer EMPTY"}])
def test_without_a_key_or_with_a_short_word_in_its_place_nothing_changes(headers):
    answer = {"error": "EMPTY", "choices": [{"text": "EMPTY"}]}
    assert answer_without_key(answer, headers, URL) == answer
    assert without_key("EMPTY", headers) == "EMPTY"


def test_no_text_that_is_scored_is_changed_on_its_way_through_the_client():
    body = json.dumps({"choices": [{"text": "a [key] is a key"}], "id": "of a-long-key"}).encode()
    with server(lambda handler: respond(handler, body)) as (endpoint, _):
        assert posted(f"{endpoint.url}/completions", key="a-long-key") == (
            True,
            {"choices": [{"text": "a [key] is a key"}], "id": "of [key]"},
        )
    body = json.dumps({"choices": [{"text": "what a-long-key says"}]}).encode()
    with server(lambda handler: respond(handler, body)) as (endpoint, _), pytest.raises(InfrastructureError, match="the key itself"):
        posted(f"{endpoint.url}/completions", key="a-long-key")
