"""An id must name the same document in both files."""

from __future__ import annotations

import pytest

from pytest_unicomp.cli.commands.same_documents import documents, other_document


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"doc_hash": "a"}, {"doc_hash": "b"}, "doc_hash is 'a' in the reference and 'b' in the candidate"),
        ({"prompt_hash": "a", "doc_hash": "c"}, {"prompt_hash": "b", "doc_hash": "c"}, "prompt_hash is"),
        ({"target": "3"}, {"target": "4"}, "target is '3'"),
        ({"arguments": [["Q 1", {"until": ["\n"]}]]}, {"arguments": [["Q 2", {"until": ["\n"]}]]}, "arguments is"),
        ({"doc": {"q": "a" * 90 + "1"}}, {"doc": {"q": "a" * 90 + "2"}}, "1"),
        ({"prompt": "a"}, {"prompt": "b"}, "prompt is"),
    ],
)
def test_a_field_that_differs_is_named_at_the_place(before, after, words):
    found = other_document(before, after)
    assert found is not None
    assert words in found
    assert documents(before, after) != documents(after, before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"doc_hash": "a"}, {"prompt_hash": "b"}),
        ({"doc_hash": None}, {"doc_hash": "b"}),
        ({"doc": {"a": 1, "b": float("nan")}}, {"doc": {"b": float("nan"), "a": 1}}),
        # One run by an older version of lm-eval, one by a newer.
        ({"arguments": [["Q", " a"]]}, {"arguments": {"gen_args_0": {"arg_0": "Q", "arg_1": " a"}}}),
        ({"target": 3}, {"target": "3"}),
        ({"score": 1}, {"score": 0}),
    ],
)
def test_fields_that_one_side_lacks_or_writes_in_another_way_are_the_same(before, after):
    assert other_document(before, after) is None
    assert documents(before, after) == documents(after, before)
