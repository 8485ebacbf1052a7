"""Whatever bytes a parser gets, it takes them or refuses them in one line, soon."""

from __future__ import annotations

import json
import random
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import PARSERS, is_one_line, mutations, seeds, survives

SECONDS = 20
ROUNDS = 60
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**26, 10**400, -1, 1e308])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(("name", "seed"), [(name, seed.name) for name in PARSERS for seed in seeds(name)])
def test_a_file_of_the_corpus_is_taken_or_refused_in_one_line(name, seed, tmp_path):
    (content,) = (path.read_bytes() for path in seeds(name) if path.name == seed)
    started = time.monotonic()
    refused = survives(name, content, tmp_path)
    assert time.monotonic() - started < SECONDS
    assert refused is None or is_one_line(refused), refused
    if seed.startswith("hostile"):
        assert refused is not None
    if seed.startswith("whole"):
        assert refused is None


@pytest.mark.parametrize("name", PARSERS)
def test_a_damaged_file_is_taken_or_refused_in_one_line(name, tmp_path):
    draw = random.Random(name)
    whole = [path for path in seeds(name) if path.name.startswith("whole")]
    for seed in whole:
        changed = mutations(seed.read_bytes(), draw)
        for _ in range(ROUNDS // len(whole)):
            refused = survives(name, next(changed), tmp_path)
            assert refused is None or is_one_line(refused), refused


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=25)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused_in_one_line(name, content):
    with tempfile.TemporaryDirectory() as folder:
        refused = survives(name, content, Path(folder))
    assert refused is None or is_one_line(refused), refused


@pytest.mark.parametrize("name", ["baseline", "config", "index", "report", "server", "tokenizer"])
@settings(max_examples=40)
@given(data=st.data())
def test_any_value_in_any_place_of_a_json_file_is_taken_or_refused_in_one_line(name, data):
    whole = [path for path in seeds(name) if path.name.startswith("whole")]
    document = json.loads(data.draw(st.sampled_from(whole)).read_text(encoding="utf-8"))
    node, path = document, []
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        path.append(key)
        inner = node[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.integers(0, 3)) == 0:
            break
        node = inner
    node[key] = data.draw(VALUES)
    with tempfile.TemporaryDirectory() as folder:
        refused = survives(name, json.dumps(document).encode("utf-8", "replace"), Path(folder))
    assert refused is None or is_one_line(refused), refused
