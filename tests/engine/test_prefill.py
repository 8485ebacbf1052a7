"""Prompts are read in passes that hold each once, with what several share read once; what they give is what each alone would."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.engine.model_probe import support
from pytest_unicomp.engine.prefill import Pass, Reader, passes
from tests.engine.toy_models import model

ONE, OTHER = (7,) * 60, (7,) * 30 + (8,) * 200
PROMPTS = st.lists(
    st.tuples(st.sampled_from([(), ONE, OTHER]), st.lists(st.integers(0, 2), min_size=1, max_size=30)).map(
        lambda parts: (*parts[0], *parts[1])
    ),
    max_size=40,
)


@given(PROMPTS, st.integers(1, 9), st.integers(1, 400))
def test_every_prompt_is_in_one_pass_that_fits_and_begins_as_it_does(prompts, rows, tokens):
    found = passes(prompts, lambda length: max(1, rows - length // 50), tokens)
    assert sorted(place for one in found for place in one.places) == list(range(len(prompts)))
    for one in found:
        longest = max(len(prompts[place]) for place in one.places)
        assert len(one.places) <= max(1, rows - longest // 50)
        assert len(one.places) == 1 or len(one.places) * (longest - one.shared) <= tokens
        assert {prompts[place][: one.shared] for place in one.places} == {prompts[one.places[0]][: one.shared]}
        assert all(len(prompts[place]) > one.shared for place in one.places)


def test_two_blocks_are_each_shared_by_their_own_prompts():
    prompts = [(*block, 100 + number, 3) for number in range(20) for block in (ONE, OTHER)] + [(5, 6)]
    found = passes(prompts, lambda _: 128, 4096)
    assert [(one.shared, len(one.places)) for one in found] == [(230, 20), (60, 20), (0, 1)]


@pytest.mark.parametrize("architecture", ["llama", "opt", "gpt_neox"])
def test_a_pass_gives_the_logits_of_each_prompt_read_alone(architecture):
    one = model(architecture)
    how = support(one)
    prompts = [[*range(5, 25), 30, 31], [*range(5, 25), 40], [9, 8, 7]]
    reader = Reader(one, how.head, how.way, prompts, 4)
    with torch.inference_mode(), how.reading(one):
        read = [reader.read(Pass(20, (0, 1))), reader.read(Pass(0, (2,)))]
        alone = [one(input_ids=torch.tensor([prompt])).logits[0, -1] for prompt in prompts]
    torch.testing.assert_close(torch.cat([part.logits for part in read]), torch.stack(alone), atol=1e-4, rtol=1e-4)
    assert read[0].mask.tolist() == [[1] * 22, [1] * 21 + [0]]
    assert [layer.keys.shape[2] for layer in read[0].part.before.layers] == [20, 20]
    assert read[1].part.before is None
    for one, shape in zip(read, [(2, 2), (1, 3)], strict=True):
        assert [states.shape[::2] for pair in one.part.taken() for states in pair] == [shape] * 4
        assert not one.part.cache.layers
