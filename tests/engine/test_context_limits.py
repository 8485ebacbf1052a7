"""Models for which the length of what is read matters: windows that count places, positions that turn, and positions that end."""

from functools import cache

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from pytest_unicomp.engine import generate
from pytest_unicomp.engine.context_limits import attended, shareable, sides
from pytest_unicomp.engine.generate import Stopping
from pytest_unicomp.engine.lm import make
from pytest_unicomp.engine.sampling import Choosing
from tests.engine.toy_models import model, tokenizer

BLOCK = "Question: what is two and two? Answer: four the other. "
TURN = 64
LONGROPE = {
    "rope_type": "longrope",
    "short_factor": [1.0] * 4,
    "long_factor": [1.5, 2.0, 4.0, 8.0],
    "rope_theta": 10000.0,
    "original_max_position_embeddings": TURN,
}


# Of what is given in lists nothing can be remembered.
made = model.__wrapped__


def gpt2():
    return model("gpt2", n_positions=64, n_embd=32, n_head=4, n_layer=2)


@cache
def gpt_neo():
    return made("gpt_neo", num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]], window_size=16)


@cache
def phi3(window=None):
    return made("phi3", original_max_position_embeddings=TURN, rope_parameters={**LONGROPE}, sliding_window=window)


def one_by_one(lm):
    """lm-eval's own backend, which pads nothing where it reads one request at a time."""
    return HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=1, backend="causal")


def texts(lm, prompts, **settings):
    arguments = {"until": [], "max_gen_toks": 20, "do_sample": False, **settings}
    return lm.generate_until([Instance("generate_until", {}, (prompt, dict(arguments)), 0) for prompt in prompts], disable_tqdm=True)


def scores(lm, pairs):
    return [value for value, _ in lm.loglikelihood([Instance("loglikelihood", {}, pair, 0) for pair in pairs], disable_tqdm=True)]


END = 266


# After how many tokens a row ends, by the first token of its prompt; the others are written on to the limit.
AFTER = {**dict.fromkeys(range(1, 11), 5), **dict.fromkeys(range(11, 20), 10)}


class Ending(Choosing):
    """Says the same token until a row is to end."""

    def tokens(self, logits, rows):
        return torch.tensor([END if len(row.made) + 1 == AFTER.get(row.prompt[0]) else 3 for row in rows])


def test_a_row_that_has_ended_asks_for_no_position_that_the_model_lacks(monkeypatch):
    """Prompts fill the context but for what is written. Of twenty ten leave and ten join; one of the first reaches its limit and stays beside them."""
    lm = make(gpt2(), tokenizer())
    monkeypatch.setattr(generate, "_room", lambda model, tokens: 20)
    prompts = [[first, *((first * 7 + number * number) % 256 for number in range(43))] for first in range(1, 31)]
    steps, found = [], {}
    handle = lm.model.get_input_embeddings().register_forward_hook(lambda _, given, __: steps.append(tuple(given[0].shape)))
    try:
        generate.generate(lm.model, prompts, Stopping(frozenset({END}), 20), how=lm.support, choosing=Ending(), done=found.__setitem__)
    finally:
        handle.remove()
    assert {place: len(made) for place, made in found.items()} == {place: AFTER.get(place + 1, 20) for place in range(30)}
    assert steps.count((11, 1)) > 10


def test_a_window_that_counts_places_of_a_row_is_not_shared():
    lm = make(gpt_neo(), tokenizer())
    assert (lm.support.window, attended(lm.model), lm.support.reason) == (0, 0, None)
    pairs = [(BLOCK * 4 + f"{number} and", option) for number in range(8) for option in (" on", " the thing then", " x")]
    pairs += [("one", " two"), ("one", " the other")]
    assert scores(lm, pairs) == pytest.approx(scores(one_by_one(lm), pairs), abs=1e-3)


def test_rows_with_a_window_that_counts_places_of_a_row_have_no_gaps():
    lm = make(gpt_neo(), tokenizer())
    prompts = ["one", "two words", "a longer prompt of several words", BLOCK * 2 + "one?", BLOCK * 2 + "why?", BLOCK + "or another"]
    assert texts(lm, prompts) == texts(one_by_one(lm), prompts)


LETTERS = "the quick brown fox jumps over a lazy dog and on "


@pytest.mark.parametrize("window", [None, 16])
def test_a_beginning_is_shared_only_where_positions_have_not_turned(window):
    lm = make(phi3(window), tokenizer())
    assert (lm.support.window, lm.support.reason) == (window or TURN, None)
    beginning = "wqkd" * 10
    pairs = [(beginning + LETTERS[number:] + LETTERS[:number], "lk") for number in range(20)]
    pairs += [(beginning + f"{number}", option) for number in range(20) for option in (" on", " the thing", " x")]
    pairs += [("one two", "lk"), (BLOCK, "lk"), (BLOCK * 3, "lk")]
    lengths = [len(tokenizer().encode(context + rest)) for context, rest in pairs]
    assert min(lengths) < TURN < max(lengths)
    for some in (pairs, pairs[-2:]):
        assert scores(lm, some) == pytest.approx(scores(one_by_one(lm), some), abs=1e-3)


def test_what_fits_before_the_turn_still_shares_its_beginning():
    lm = make(phi3(), tokenizer())
    pairs = [("wqkd" * 10 + f"{number}", " x") for number in range(20)]
    assert lm.support.reason is None
    read = []
    handle = lm.model.get_input_embeddings().register_forward_hook(lambda _, given, __: read.append(given[0].numel()))
    try:
        scores(lm, pairs)
    finally:
        handle.remove()
    assert sum(read) < sum(len(tokenizer().encode(context + rest)) for context, rest in pairs) / 3


@pytest.mark.parametrize("sampled", [False, True])
def test_texts_before_beyond_and_across_the_turn_are_those_that_each_has_alone(sampled):
    lm = make(phi3(), tokenizer())
    prompts = ["one", "two words", *("w" * length for length in (43, 44, 45, 55, 63, 64, 65, 66)), BLOCK * 2, BLOCK * 3, "x" * 55]
    if sampled:
        settings = {"do_sample": True, "temperature": 0.8}
        expected = [text for prompt in prompts for text in texts(lm, [prompt], **settings)]
    else:
        settings = {}
        expected = texts(one_by_one(lm), prompts)
    assert texts(lm, prompts, **settings) == expected
    assert len(set(expected)) > 5


def test_a_text_across_the_turn_ends_at_a_stop_string():
    lm = make(phi3(), tokenizer())
    prompts = ["w" * 55, "x" * 60]
    whole = texts(lm, prompts)
    stop = [max(whole, key=len)[3]]
    assert texts(lm, prompts, until=stop) == texts(one_by_one(lm), prompts, until=stop) != whole


def test_turns_are_read_off_every_form_of_a_configuration():
    llama = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    plain = made("llama", rope_parameters={**llama, "rope_theta": 10000.0})
    assert shareable(plain) is None
    assert {sides(plain)(length) for length in (1, 64, 65, 256)} == {0}
    dynamic = made("llama", rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0})
    assert shareable(dynamic) == 256
    assert [sides(dynamic)(length) for length in (255, 256, 257, 258)] == [0, 0, 257, 258]
    assert [sides(phi3())(length) for length in (TURN, TURN + 1, TURN + 2)] == [0, 1, 1]
