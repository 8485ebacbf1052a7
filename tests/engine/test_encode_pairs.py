"""Pairs of context and continuation have the token ids of lm-eval's own `_encode_pair`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.models.huggingface import HFLM

from pytest_unicomp.engine.encode_pairs import encode_pairs
from pytest_unicomp.engine.lm import UnicompLM
from tests.engine.toy_models import model, tokenizer

TEXTS = st.text(alphabet="the on\nax\u00e9", max_size=12)


@given(st.lists(st.tuples(TEXTS.filter(str.strip), TEXTS), min_size=1, max_size=6))
def test_ids_are_those_of_lm_eval(pairs):
    lm = UnicompLM(model("llama"), tokenizer())
    assert encode_pairs(lm, pairs) == [HFLM._encode_pair(lm, context, continuation) for context, continuation in pairs]


@pytest.mark.parametrize(("context", "continuation", "same_as"), [("one ", "two", ("one", " two")), ("one  ", "", ("one", "  "))])
def test_trailing_spaces_move_to_the_continuation(context, continuation, same_as):
    lm = UnicompLM(model("llama"), tokenizer())
    assert encode_pairs(lm, [(context, continuation)]) == encode_pairs(lm, [same_as])


def test_without_a_context_the_prefix_token_stands_in_for_it():
    lm = UnicompLM(model("llama"), tokenizer())
    [(context, continuation)] = encode_pairs(lm, [("", "on")])
    assert context == [lm.prefix_token_id]
    assert continuation == tokenizer().encode("on", add_special_tokens=False)
    # A continuation that starts with it already does not get it twice.
    start = tokenizer().decode([lm.prefix_token_id])
    assert encode_pairs(lm, [("", f"{start}on")]) == [(context, continuation)]
