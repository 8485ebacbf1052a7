"""Continuous and static batches against lm-eval's hf backend: the same texts in any batch, and after resuming from a kill."""

from copy import deepcopy

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from pytest_unicomp.engine import continuous_batching, decoding_batch, static_batching
from pytest_unicomp.engine.lm import UnicompLM
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from pytest_unicomp.engine.resume_log import ResumeLog
from tests.engine.toy_engine import tiny_engine
from tests.engine.toy_models import ARCHITECTURES, model, tokenizer

PROMPTS = [
    "one",
    "two words",
    "a longer prompt of several words",
    "x" * 90,
    "one",
    "the same beginning of a prompt, then this",
    "the same beginning of a prompt, then that",
]


def requests(prompts, **settings):
    arguments = {"until": [], "max_gen_toks": 12, "do_sample": False, **settings}
    return [Instance("generate_until", {}, (prompt, dict(arguments)), place) for place, prompt in enumerate(prompts)]


@pytest.mark.parametrize("stops", [[], ["e"], ["th", "\n\n"]])
def test_greedy_texts_are_those_of_lm_eval(tiny, stops):
    ours = tiny.lm.generate_until(requests(PROMPTS, until=stops))
    theirs = HFLM.generate_until(tiny.lm, requests(PROMPTS, until=stops), disable_tqdm=True)
    assert ours == theirs
    assert len(set(ours)) > 1


@pytest.mark.parametrize("seed", range(3))
def test_a_special_token_as_stop_string_ends_a_text(seed):
    """Such as `<|im_end|>` if it is not an end token of the model; a batch of lm-eval continues until all of its rows contain it."""
    import torch

    altered = deepcopy(model("llama"))
    row = altered.lm_head.weight.data[tokenizer().convert_tokens_to_ids("<bos>")]
    torch.manual_seed(seed)
    row.copy_(torch.randn_like(row) * altered.lm_head.weight.std() * 2)
    lm = UnicompLM(altered, tokenizer(), batch_size=1)
    asked = requests(PROMPTS, until=["<bos>"])
    texts = lm.generate_until(asked)
    assert texts == HFLM.generate_until(lm, asked, disable_tqdm=True)
    assert texts != lm.generate_until(requests(PROMPTS))


def test_an_end_token_that_is_ordinary_text_stays_in_the_text():
    altered = deepcopy(model("llama"))
    lm = UnicompLM(altered, tokenizer())
    endless = lm.generate_until(requests(PROMPTS))
    altered.generation_config.eos_token_id = [altered.config.eos_token_id, *range(0, 260, 5)]
    texts = lm.generate_until(requests(PROMPTS))
    assert texts == HFLM.generate_until(lm, requests(PROMPTS), disable_tqdm=True)
    assert all(texts)
    assert texts != endless


def test_a_shared_prefix_changes_no_text(tiny):
    block = "Question: what is two and two? Answer: four. " * 4
    prompts = [block + question for question in ("Question: one?", "Question: and another, longer one?", "Why?")]
    assert tiny.lm.generate_until(requests(prompts)) == [tiny.lm.generate_until(requests([prompt]))[0] for prompt in prompts]


@pytest.mark.parametrize("stops", [[], ["e"], ["th", "on"]])
def test_a_prefix_of_many_rows_is_kept_once_and_changes_no_text(stops, monkeypatch):
    """Sixteen rows with one prefix and eleven with another come and go in batches of their own; three rows share nothing."""
    lm = UnicompLM(model("llama"), tokenizer())
    blocks = ["Question: what is two and two? " * 3] * 16 + ["The other block is longer, by a little. " * 3] * 11 + [""] * 3
    prompts = [f"{block}prompt {number} {'and more ' * (number % 5)}" for number, block in enumerate(blocks)]
    asked = requests(prompts, max_gen_toks=24, until=stops)
    expected = HFLM.generate_until(lm, asked, disable_tqdm=True)
    monkeypatch.setattr(continuous_batching, "max_rows", lambda model, tokens: 6)
    made, original = [], continuous_batching.ContinuousBatches._joined

    def joined(*arguments):
        made.append(original(*arguments))
        return made[-1]

    monkeypatch.setattr(continuous_batching.ContinuousBatches, "_joined", joined)
    assert lm.generate_until(asked) == expected
    kept = {batch.prefix.length for batch in made if batch.prefix is not None}
    assert len(kept) == 2
    assert any(batch.prefix is None for batch in made)
    assert all(batch.mask.shape[1] < 70 for batch in made if batch.prefix is not None)


def test_a_prompt_beyond_the_context_is_cut_from_the_left(tmp_path):
    small = tiny_engine(tmp_path / "small", max_position_embeddings=48)
    prompts = ["word " * 60, "short"]
    assert small.lm.generate_until(requests(prompts)) == HFLM.generate_until(small.lm, requests(prompts), disable_tqdm=True)


def test_sampling_depends_on_prompt_and_seed_and_on_nothing_else(tiny):
    sampled = {"do_sample": True, "temperature": 1.0, "seed": 3}
    prompts = list(dict.fromkeys(PROMPTS))
    together = tiny.lm.generate_until(requests(prompts, **sampled))
    assert [tiny.lm.generate_until(requests([prompt], **sampled))[0] for prompt in prompts] == together
    assert tiny.lm.generate_until(requests(prompts, **{**sampled, "seed": 4})) != together


def test_equal_requests_get_different_samples_and_a_resumed_run_the_same_ones(tiny, tmp_path):
    asked = requests(["one", "two", "one", "one", "two", "one"], do_sample=True, temperature=1.0)
    texts = tiny.lm.generate_until(asked)
    assert len(set(texts)) == len(texts)
    assert texts[:2] == tiny.lm.generate_until(asked[:2])
    path = tmp_path / "resume.jsonl"
    with ResumeLog(path).attached_to(tiny.lm):
        assert tiny.lm.generate_until(asked) == texts
    lines = path.read_text(encoding="utf-8").splitlines()
    for kept in (lines[:3], lines[3:]):
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")
        with ResumeLog(path).attached_to(tiny.lm):
            assert tiny.lm.generate_until(asked) == texts


def test_logged_answers_are_not_computed_again_and_an_incomplete_line_is_ignored(tiny, tmp_path):
    path = tmp_path / "resume.jsonl"
    log = ResumeLog(path)
    with log.attached_to(tiny.lm):
        first = tiny.lm.generate_until(requests(PROMPTS))
    log.close(keep=True)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(PROMPTS)
    path.write_text("\n".join(lines[:4]) + '\n{"key": "cut sh', encoding="utf-8")

    resumed = ResumeLog(path)
    assert len(resumed) == 3
    model, calls = tiny.model, []
    handle = model.register_forward_hook(lambda *_: calls.append(1))
    try:
        with resumed.attached_to(tiny.lm):
            assert tiny.lm.generate_until(requests(PROMPTS)) == first
            again = len(calls)
            assert tiny.lm.generate_until(requests(PROMPTS)) == first
            assert len(calls) == again
    finally:
        handle.remove()
        resumed.close(keep=False)
    assert not path.exists()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_generates_the_texts_of_lm_eval(architecture):
    lm = UnicompLM(model(architecture), tokenizer())
    assert lm.generate_until(requests(PROMPTS)) == HFLM.generate_until(lm, requests(PROMPTS), disable_tqdm=True)


@pytest.mark.parametrize("architecture", ["llama", "gpt_neox", "gemma2"])
@pytest.mark.parametrize("block", ["", "the same beginning of all prompts "])
def test_prompts_prefilled_in_several_batches_are_decoded_together(architecture, block, monkeypatch):
    """Gemma 2 has layers with a sliding window, whose caches cannot be concatenated: its batches stay static."""
    lm = UnicompLM(model(architecture), tokenizer())
    asked = requests([block + prompt for prompt in PROMPTS])
    expected = HFLM.generate_until(lm, asked, disable_tqdm=True)
    assert lm.capabilities.lm_head is not None
    for module in (continuous_batching, static_batching):
        monkeypatch.setattr(module, "prefill_tokens", lambda _: 100)
    shapes = []
    handle = lm.model.get_input_embeddings().register_forward_hook(lambda _, given, __: shapes.append(tuple(given[0].shape)))
    try:
        assert lm.generate_until(asked) == expected
    finally:
        handle.remove()
    assert max(rows for rows, columns in shapes if columns > 1) < len(PROMPTS)
    assert (max(rows for rows, columns in shapes if columns == 1) == len(PROMPTS)) is (architecture != "gemma2")


def test_prefill_batches_have_activations_that_fit_into_memory(tiny, monkeypatch):
    assert decoding_batch.prefill_tokens(tiny.model) == decoding_batch.PREFILL_TOKENS["cpu"]
    monkeypatch.setitem(decoding_batch.PREFILL_BYTES, "cpu", 2**20)
    assert decoding_batch.prefill_tokens(tiny.model) * bytes_per_token(tiny.model).activations <= 2**20
    monkeypatch.setitem(decoding_batch.PREFILL_BYTES, "cpu", 1)
    assert decoding_batch.prefill_tokens(tiny.model) == 1


def test_waiting_prompts_join_the_batch_in_decoding(monkeypatch):
    """Half of the prompts share a prefix, and they end at many different times."""
    lm = UnicompLM(model("llama"), tokenizer())
    block = "Question: what is two and two? Answer: four. " * 3
    asked = requests(
        [f"{block * (number % 2)}prompt {number} {'and more ' * (number % 7)}" for number in range(24)],
        max_gen_toks=24,
        until=list("aeiou#"),
    )
    expected = HFLM.generate_until(lm, asked, disable_tqdm=True)
    assert len({len(text) for text in expected}) > 5
    assert lm.capabilities.attention == "cascade"
    monkeypatch.setattr(continuous_batching, "max_rows", lambda model, tokens: 4)
    read, steps = [], []
    handle = lm.model.get_input_embeddings().register_forward_hook(
        lambda _, given, __: (read if given[0].shape[1] > 1 else steps).append(given[0].numel())
    )
    try:
        assert lm.generate_until(asked) == expected
    finally:
        handle.remove()
    assert max(steps) == 4
    assert sum(steps) > 0.6 * 4 * len(steps)
    assert sum(read) < sum(len(lm.tok_encode(one.args[0])) for one in asked) / 2
