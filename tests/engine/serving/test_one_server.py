"""lm-eval's client stays with the server that it was given."""

from __future__ import annotations

import asyncio

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving import one_server
from pytest_unicomp.engine.serving.one_server import OneServer
from tests.engine.serving.test_http_client import respond, server


def posted(url, key="K"):
    async def post():
        from aiohttp import ClientSession

        async with ClientSession() as session, OneServer(session).post(url, json={}, headers={"Authorization": f"Bearer {key}"}) as answer:
            return answer.ok, await answer.json()

    return asyncio.run(post())


def test_neither_key_nor_prompt_follows_a_redirect():
    with server(lambda handler: respond(handler, b"{}")) as (other, seen):
        to = f"http://localhost:{other.url.rpartition(':')[2]}/completions"
        with (
            server(lambda handler: respond(handler, b"", 307, Location=to)) as (endpoint, _),
            pytest.raises(InfrastructureError, match=r"redirects to 'http://localhost:.*which was not contacted"),
        ):
            posted(f"{endpoint.url}/completions")
    assert seen == []


def test_a_body_beyond_the_limit_is_not_read(monkeypatch):
    monkeypatch.setattr(one_server, "MAX_BODY_BYTES", 1000)
    with (
        server(lambda handler: respond(handler, b"x" * 100_000)) as (endpoint, _),
        pytest.raises(InfrastructureError, match="more than 1000 bytes"),
    ):
        posted(f"{endpoint.url}/completions")


def test_an_answer_is_read_as_it_is_and_one_that_is_no_json_is_refused():
    with server(lambda handler: respond(handler, b'{"choices": []}')) as (endpoint, _):
        assert posted(f"{endpoint.url}/completions") == (True, {"choices": []})
    with (
        server(lambda handler: respond(handler, b"[" * 100_000)) as (endpoint, _),
        pytest.raises(InfrastructureError, match="expected JSON"),
    ):
        posted(f"{endpoint.url}/completions")
