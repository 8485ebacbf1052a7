"""Addresses of endpoints: what is accepted, and what is refused in one line."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.engine.serving import Endpoint


@pytest.mark.parametrize(
    ("text", "url", "model", "name"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1", None, "127.0.0.1-8000"),
        ("http://host:1/v1/", "http://host:1/v1", None, "host-1"),
        ("https://host/chat/completions#m", "https://host", "m", "m"),
        ("https://host/v1/completions#m", "https://host/v1", "m", "m"),
        ("https://host/api/v1#org/w4a16", "https://host/api/v1", "org/w4a16", "w4a16"),
    ],
)
def test_an_address_gives_server_path_and_model(text, url, model, name):
    endpoint = Endpoint.parse(text)
    assert (endpoint.url, endpoint.model, endpoint.name) == (url, model, name)


@pytest.mark.parametrize("text", ["http://", "ftp://host/v1", "http://host:port/v1", "http://host/v1?key=1", "host:8000"])
def test_anything_else_is_refused(text):
    with pytest.raises(UsageProblem, match="not the address of a server"):
        Endpoint.parse(text)


def test_a_password_in_an_address_is_refused_without_repeating_it():
    with pytest.raises(UsageProblem, match="UNICOMP_API_KEY") as refused:
        Endpoint.parse("http://me:secret@host/v1")
    assert "secret" not in str(refused.value)
