"""Prefill batches contain every prompt once and share prefixes; their logits are those of each prompt by itself."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.engine.model_probe import probe
from pytest_unicomp.engine.prefill import PrefillBatch, Prefiller, group_prompts, plan_batches
from tests.engine.toy_models import model

ONE, OTHER = (7,) * 60, (7,) * 30 + (8,) * 200
PROMPTS = st.lists(
    st.tuples(st.sampled_from([(), ONE, OTHER]), st.lists(st.integers(0, 2), min_size=1, max_size=30)).map(
        lambda parts: (*parts[0], *parts[1])
    ),
    max_size=40,
)


@given(PROMPTS, st.integers(1, 9), st.integers(1, 400))
def test_every_prompt_is_in_one_batch_that_fits_and_has_its_prefix(prompts, rows, tokens):
    found = plan_batches(prompts, group_prompts(prompts), lambda length: max(1, rows - length // 50), tokens)
    assert sorted(index for one in found for index in one.indices) == list(range(len(prompts)))
    for one in found:
        longest = max(len(prompts[index]) for index in one.indices)
        assert len(one.indices) <= max(1, rows - longest // 50)
        assert len(one.indices) == 1 or len(one.indices) * (longest - one.prefix_length) <= tokens
        assert {prompts[index][: one.prefix_length] for index in one.indices} == {prompts[one.indices[0]][: one.prefix_length]}
        assert all(len(prompts[index]) > one.prefix_length for index in one.indices)


def test_two_prefixes_are_each_shared_by_their_own_prompts():
    prompts = [(*block, 100 + number, 3) for number in range(20) for block in (ONE, OTHER)] + [(5, 6)]
    found = plan_batches(prompts, group_prompts(prompts), lambda _: 128, 4096)
    assert [(one.prefix_length, len(one.indices)) for one in found] == [(230, 20), (60, 20), (0, 1)]


@pytest.mark.parametrize("architecture", ["llama", "opt", "gpt_neox"])
def test_a_batch_gives_the_logits_of_each_prompt_by_itself(architecture):
    one = model(architecture)
    capabilities = probe(one)
    prompts = [[*range(5, 25), 30, 31], [*range(5, 25), 40], [9, 8, 7]]
    prefiller = Prefiller(one, capabilities.lm_head, capabilities.attention, prompts, 4)
    with torch.inference_mode(), capabilities.attention_enabled(one):
        read = [prefiller.prefill(PrefillBatch(20, (0, 1))), prefiller.prefill(PrefillBatch(0, (2,)))]
        alone = [one(input_ids=torch.tensor([prompt])).logits[0, -1] for prompt in prompts]
    torch.testing.assert_close(torch.cat([one.logits for one in read]), torch.stack(alone), atol=1e-4, rtol=1e-4)
    assert read[0].mask.tolist() == [[1] * 22, [1] * 21 + [0]]
    assert [layer.keys.shape[2] for layer in read[0].cache.prefix.layers] == [20, 20]
    assert read[1].cache.prefix is None
    for one, shape in zip(read, [(2, 2), (1, 3)], strict=True):
        assert [states.shape[::2] for pair in one.cache.take_layers() for states in pair] == [shape] * 4
        assert not one.cache.cache.layers
