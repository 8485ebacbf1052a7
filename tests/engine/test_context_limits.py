"""Models whose results depend on sequence length: sliding windows that count columns, RoPE scaling with a switch length, and a short context."""

from functools import cache

import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from pytest_unicomp.engine import continuous_batching, generate
from pytest_unicomp.engine.context_limits import attention_window, rope_regime, shared_prefix_limit
from pytest_unicomp.engine.generate import StopConditions
from pytest_unicomp.engine.lm import UnicompLM
from pytest_unicomp.engine.sampling import Sampler
from tests.engine.toy_models import model, tokenizer

BLOCK = "Question: what is two and two? Answer: four the other. "
SWITCH = 64
LONGROPE = {
    "rope_type": "longrope",
    "short_factor": [1.0] * 4,
    "long_factor": [1.5, 2.0, 4.0, 8.0],
    "rope_theta": 10000.0,
    "original_max_position_embeddings": SWITCH,
}


# Lists cannot be keys of a cache.
made = model.__wrapped__


def gpt2():
    return model("gpt2", n_positions=64, n_embd=32, n_head=4, n_layer=2)


@cache
def gpt_neo():
    return made("gpt_neo", num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]], window_size=16)


@cache
def phi3(window=None):
    return made("phi3", original_max_position_embeddings=SWITCH, rope_parameters={**LONGROPE}, sliding_window=window)


def unbatched(lm):
    """lm-eval's own backend, which pads nothing where it reads one request at a time."""
    return HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=1, backend="causal")


def texts(lm, prompts, **settings):
    arguments = {"until": [], "max_gen_toks": 20, "do_sample": False, **settings}
    return lm.generate_until([Instance("generate_until", {}, (prompt, dict(arguments)), 0) for prompt in prompts], disable_tqdm=True)


def scores(lm, pairs):
    return [value for value, _ in lm.loglikelihood([Instance("loglikelihood", {}, pair, 0) for pair in pairs], disable_tqdm=True)]


END = 266


# After how many tokens a row ends, by the first token of its prompt; all others reach the limit.
AFTER = {**dict.fromkeys(range(1, 11), 5), **dict.fromkeys(range(11, 20), 10)}


class Ending(Sampler):
    """Samples the same token until a row is to end."""

    def sample(self, logits, rows):
        return torch.tensor([END if len(row.generated) + 1 == AFTER.get(row.prompt[0]) else 3 for row in rows])


def test_a_finished_row_never_exceeds_the_models_positions(monkeypatch):
    """Prompts and limit fill the context. Of twenty rows ten finish and ten join; one of the first reaches its limit in the same batch."""
    lm = UnicompLM(gpt2(), tokenizer())
    monkeypatch.setattr(continuous_batching, "max_rows", lambda model, tokens: 20)
    prompts = [[first, *((first * 7 + number * number) % 256 for number in range(43))] for first in range(1, 31)]
    steps, found = [], {}
    handle = lm.model.get_input_embeddings().register_forward_hook(lambda _, given, __: steps.append(tuple(given[0].shape)))
    try:
        generate.generate(
            lm.model,
            prompts,
            StopConditions(frozenset({END}), 20),
            capabilities=lm.capabilities,
            sampler=Ending(),
            on_text=found.__setitem__,
        )
    finally:
        handle.remove()
    assert {place: len(made) for place, made in found.items()} == {place: AFTER.get(place + 1, 20) for place in range(30)}
    assert steps.count((11, 1)) > 10


def test_a_window_that_counts_columns_shares_no_prefixes():
    lm = UnicompLM(gpt_neo(), tokenizer())
    assert (lm.capabilities.shared_prefix_limit, attention_window(lm.model), lm.capabilities.reason) == (0, 0, None)
    pairs = [(BLOCK * 4 + f"{number} and", option) for number in range(8) for option in (" on", " the thing then", " x")]
    pairs += [("one", " two"), ("one", " the other")]
    assert scores(lm, pairs) == pytest.approx(scores(unbatched(lm), pairs), abs=1e-3)


def test_a_window_that_counts_columns_generates_in_static_batches():
    lm = UnicompLM(gpt_neo(), tokenizer())
    prompts = ["one", "two words", "a longer prompt of several words", BLOCK * 2 + "one?", BLOCK * 2 + "why?", BLOCK + "or another"]
    assert texts(lm, prompts) == texts(unbatched(lm), prompts)


LETTERS = "the quick brown fox jumps over a lazy dog and on "


@pytest.mark.parametrize("window", [None, 16])
def test_a_prefix_is_shared_only_below_the_rope_switch_length(window):
    lm = UnicompLM(phi3(window), tokenizer())
    assert (lm.capabilities.shared_prefix_limit, lm.capabilities.reason) == (window or SWITCH, None)
    beginning = "wqkd" * 10
    pairs = [(beginning + LETTERS[number:] + LETTERS[:number], "lk") for number in range(20)]
    pairs += [(beginning + f"{number}", option) for number in range(20) for option in (" on", " the thing", " x")]
    pairs += [("one two", "lk"), (BLOCK, "lk"), (BLOCK * 3, "lk")]
    lengths = [len(tokenizer().encode(context + rest)) for context, rest in pairs]
    assert min(lengths) < SWITCH < max(lengths)
    for some in (pairs, pairs[-2:]):
        assert scores(lm, some) == pytest.approx(scores(unbatched(lm), some), abs=1e-3)


def test_sequences_below_the_rope_switch_length_share_their_prefix():
    lm = UnicompLM(phi3(), tokenizer())
    pairs = [("wqkd" * 10 + f"{number}", " x") for number in range(20)]
    assert lm.capabilities.reason is None
    read = []
    handle = lm.model.get_input_embeddings().register_forward_hook(lambda _, given, __: read.append(given[0].numel()))
    try:
        scores(lm, pairs)
    finally:
        handle.remove()
    assert sum(read) < sum(len(tokenizer().encode(context + rest)) for context, rest in pairs) / 3


@pytest.mark.parametrize("sampled", [False, True])
def test_texts_below_above_and_across_the_rope_switch_are_those_of_each_prompt_alone(sampled):
    lm = UnicompLM(phi3(), tokenizer())
    prompts = ["one", "two words", *("w" * length for length in (43, 44, 45, 55, 63, 64, 65, 66)), BLOCK * 2, BLOCK * 3, "x" * 55]
    if sampled:
        settings = {"do_sample": True, "temperature": 0.8}
        expected = [text for prompt in prompts for text in texts(lm, [prompt], **settings)]
    else:
        settings = {}
        expected = texts(unbatched(lm), prompts)
    assert texts(lm, prompts, **settings) == expected
    assert len(set(expected)) > 5


def test_a_text_across_the_rope_switch_ends_at_a_stop_string():
    lm = UnicompLM(phi3(), tokenizer())
    prompts = ["w" * 55, "x" * 60]
    whole = texts(lm, prompts)
    stop = [max(whole, key=len)[3]]
    assert texts(lm, prompts, until=stop) == texts(unbatched(lm), prompts, until=stop) != whole


def test_switch_lengths_are_read_from_every_form_of_a_configuration():
    llama = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    plain = made("llama", rope_parameters={**llama, "rope_theta": 10000.0})
    assert shared_prefix_limit(plain) is None
    assert {rope_regime(plain)(length) for length in (1, 64, 65, 256)} == {0}
    dynamic = made("llama", rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0})
    assert shared_prefix_limit(dynamic) == 256
    assert [rope_regime(dynamic)(length) for length in (255, 256, 257, 258)] == [0, 0, 257, 258]
    assert [rope_regime(phi3())(length) for length in (SWITCH, SWITCH + 1, SWITCH + 2)] == [0, 1, 1]
