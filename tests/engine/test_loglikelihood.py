"""Log-likelihoods with shared prefixes against lm-eval's hf backend, request by request, on seven architectures and on any texts."""

from contextlib import nullcontext

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from pytest_unicomp.engine import loglikelihood
from pytest_unicomp.engine.lm import UnicompLM
from pytest_unicomp.engine.loglikelihood import ScoringRequest, score
from pytest_unicomp.engine.resume_log import ResumeLog
from tests.engine.toy_models import ARCHITECTURES, model, tokenizer

BLOCK = "Question: where is the other one? Answer: on the shelf.\n\n" * 3
PAIRS = [
    ("one", " two"),
    ("one", " the other"),
    ("one", " the others"),
    ("one", "one"),
    ("one ", "the trailing space"),
    ("a context of th", "e boundary"),
    ("", "no context"),
    ("", "no context at all"),
    ("the same", " the same"),
    ("the same", " the same"),
    ("word " * 120, "beyond the context"),
    ("John was late since the", " bus broke down on the way"),
    ("John was late since Ann", " bus broke down on the way"),
    *((BLOCK + f"Question: {number}?\nAnswer:", f" {letter}") for number in range(9) for letter in "ABCD"),
    *(
        (BLOCK + f"Question: number {number}?\nAnswer:", f" {option} on a {number}")
        for number in range(9)
        for option in ("here", "there", "the")
    ),
]


def instances(pairs, kind="loglikelihood"):
    return [Instance(kind, {}, pair, place) for place, pair in enumerate(pairs)]


def plain(lm, pairs):
    return HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=4, backend="causal").loglikelihood(
        instances(pairs), disable_tqdm=True
    )


def assert_same(ours, theirs):
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=1e-3)
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_scores_as_in_lm_eval(architecture):
    lm = UnicompLM(model(architecture), tokenizer())
    greedy = [
        (BLOCK, lm.generate_until([Instance("generate_until", {}, (BLOCK, {"until": [], "max_gen_toks": 3, "do_sample": False}), 0)])[0])
    ]
    pairs = [*PAIRS, *(pair for pair in greedy if pair[1])]
    assert_same(lm.loglikelihood(instances(pairs), disable_tqdm=True), plain(lm, pairs))


@pytest.mark.parametrize("architecture", ["llama", "opt", "gpt_neox", "qwen3_moe", "gemma"])
def test_shared_prefixes_are_computed_once(architecture):
    lm = UnicompLM(model(architecture), tokenizer())
    assert lm.capabilities.lm_head is not None
    assert (lm.capabilities.shared_prefix_limit, lm.capabilities.reason) == (None, None)
    tokens = []
    handle = lm.model.get_input_embeddings().register_forward_hook(lambda _, given, __: tokens.append(given[0].numel()))
    try:
        lm.loglikelihood(instances(PAIRS[-63:]), disable_tqdm=True)
    finally:
        handle.remove()
    alone = sum(len(tokenizer().encode(context + rest)) for context, rest in PAIRS[-63:])
    assert sum(tokens) < alone / 6


def test_with_a_sliding_window_only_sequences_that_fit_into_it_share_a_prefix():
    lm = UnicompLM(model("gemma2"), tokenizer())
    assert lm.capabilities.shared_prefix_limit == 16
    short = [("one two", " th"), ("one two", " the on"), ("one two", " a")]
    pairs = [*short, (BLOCK, " th"), (BLOCK, " other")]
    assert_same(lm.loglikelihood(instances(pairs), disable_tqdm=True), plain(lm, pairs))


@pytest.mark.parametrize(("architecture", "why"), [("mamba", "state"), ("bloom", "takes no mask")])
def test_a_model_that_cannot_share_prefixes_is_scored_by_lm_eval_and_the_log_says_why(architecture, why, caplog):
    """Mamba keeps a state; a Bloom makes its positions from a mask of two dimensions."""
    lm = UnicompLM(model(architecture, **({"n_head": 4} if architecture == "bloom" else {})), tokenizer())
    pairs = [("one", " two"), ("one", " the other"), (BLOCK, " here")]
    assert_same(lm.loglikelihood(instances(pairs), disable_tqdm=True), plain(lm, pairs))
    assert why in lm.capabilities.reason
    assert why in caplog.text


def test_a_model_that_ignores_its_position_ids_shares_no_prefixes(monkeypatch):
    llama = model("llama")
    forward = llama.model.forward
    monkeypatch.setattr(llama.model, "forward", lambda *arguments, position_ids=None, **settings: forward(*arguments, **settings))
    lm = UnicompLM(llama, tokenizer())
    assert lm.capabilities.shared_prefix_limit == 0
    assert "nats if prefixes are shared" in lm.capabilities.reason
    assert_same(lm.loglikelihood(instances(PAIRS), disable_tqdm=True), plain(lm, PAIRS))


def test_an_empty_continuation_has_log_probability_zero(tiny):
    assert tiny.lm.loglikelihood(instances([("one", ""), ("", "")]), disable_tqdm=True) == [(0.0, True), (0.0, True)]


def test_a_context_of_spaces_alone_moves_to_the_continuation(tiny):
    """lm-eval's own backend fails on it."""
    spaces, none = tiny.lm.loglikelihood(instances([("  ", "text"), ("", "  text")]), disable_tqdm=True)
    assert spaces == pytest.approx(none)


def test_a_continuation_longer_than_the_model_is_refused(tiny):
    lm = UnicompLM(model("llama"), tokenizer())
    with pytest.raises(ValueError, match=r"a continuation of \d+ tokens; expected at most the model's 256"):
        lm.loglikelihood(instances([("one", " xyz" * 200)]), disable_tqdm=True)


TEXTS = st.text(alphabet="the on\nax\u00e9", max_size=12)
CONTEXTS = st.sampled_from(["", "on the ", "the " * 70]).flatmap(lambda block: TEXTS.map(lambda text: block + text))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@example([("", ""), ("a", ""), ("a", " the"), ("a", " the"), ("a ", "the"), ("", "the")])
@given(st.lists(st.tuples(CONTEXTS, TEXTS), min_size=1, max_size=6))
def test_any_requests_are_scored_as_in_lm_eval(pairs):
    lm = UnicompLM(model("llama"), tokenizer())
    ours = lm.loglikelihood(instances(pairs), disable_tqdm=True)
    kept = [place for place, pair in enumerate(pairs) if scorable(lm, pair)]
    if kept:
        assert_same([ours[place] for place in kept], plain(lm, [pairs[place] for place in kept]))


def scorable(lm, pair):
    """Return True if lm-eval's backend can score the pair: it fails on an empty continuation, and on a context without tokens."""
    context, rest = pair
    ids, scored = HFLM._encode_pair(lm, context, rest) if context else ([0], lm.tok_encode(rest, add_special_tokens=False))
    return bool(ids and scored)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(1, 4)), min_size=1, max_size=20), st.booleans())
def test_every_request_is_scored_once_and_equally_with_and_without_shared_prefixes(questions, share):
    lm = UnicompLM(model("llama"), tokenizer())
    asked = [ScoringRequest(tuple(tokens), tuple(tokens[-min(count, len(tokens)) :])) for tokens, count in questions]
    found, alone = {}, {}
    import torch

    with torch.inference_mode():
        score(
            lm.model,
            lm.capabilities.lm_head,
            asked,
            range(len(asked)),
            lambda place, answer: found.setdefault(place, []).append(answer),
            share_prefixes=share,
        )
        for place, one in enumerate(asked):
            score(
                lm.model,
                lm.capabilities.lm_head,
                [one],
                [0],
                lambda _, answer, place=place: alone.setdefault(place, answer),
                share_prefixes=False,
            )
    assert sorted(found) == list(range(len(asked)))
    for place, answers in found.items():
        assert [answer.log_likelihood for answer in answers] == pytest.approx([alone[place].log_likelihood], abs=1e-4)


@pytest.mark.parametrize("architecture", ["llama", "gemma2", "opt"])
def test_whole_texts_have_the_log_likelihood_of_lm_eval(architecture):
    lm = UnicompLM(model(architecture), tokenizer())
    texts = [("one",), (BLOCK * 3,), ("the other one",), ("\n\n",)]
    theirs = HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=4, backend="causal")
    ours = lm.loglikelihood_rolling(instances(texts, "loglikelihood_rolling"), disable_tqdm=True)
    assert ours == pytest.approx(theirs.loglikelihood_rolling(instances(texts, "loglikelihood_rolling"), disable_tqdm=True), abs=1e-3)


@pytest.mark.parametrize("kind", ["loglikelihood", "loglikelihood_rolling"])
def test_a_resumed_run_gives_bit_identical_results(tiny, tmp_path, monkeypatch, kind):
    monkeypatch.setitem(loglikelihood.BATCH_TOKENS, "cpu", 200)
    pairs = PAIRS if kind == "loglikelihood" else [(context + rest,) for context, rest in PAIRS]
    whole = getattr(tiny.lm, kind)(instances(pairs, kind), disable_tqdm=True)
    calls, path = [], tmp_path / "resume.jsonl"

    def dies(*_):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    for expected in (KeyboardInterrupt, None):
        log = ResumeLog(path)
        handle = tiny.model.register_forward_hook(dies)
        try:
            with log.attached_to(tiny.lm), pytest.raises(expected) if expected else nullcontext():
                again = getattr(tiny.lm, kind)(instances(pairs, kind), disable_tqdm=True)
        finally:
            handle.remove()
            log.close(keep=True)
    assert again == whole
    first = len(calls)
    with ResumeLog(path).attached_to(tiny.lm):
        handle = tiny.model.register_forward_hook(dies)
        assert getattr(tiny.lm, kind)(instances(pairs, kind), disable_tqdm=True) == whole
        handle.remove()
    assert len(calls) == first


def test_a_batch_that_does_not_fit_into_memory_is_halved_until_it_does(tiny, monkeypatch):
    import torch

    expected = tiny.lm.loglikelihood(instances(PAIRS), disable_tqdm=True)
    forward, rows = tiny.model.forward, []

    def small(*arguments, **settings):
        rows.append(len(settings["input_ids"]))
        if rows[-1] > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*arguments, **settings)

    monkeypatch.setattr(tiny.model, "forward", small)
    found = tiny.lm.loglikelihood(instances(PAIRS), disable_tqdm=True)
    assert max(rows) > 3
    assert [value for value, _ in found] == pytest.approx([value for value, _ in expected], abs=1e-4)
