"""Unbatched generation forces the chosen tokens, and stops at the last."""

import pytest
import torch

from pytest_unicomp.engine.unbatched import generate_unbatched
from tests.engine.toy_models import model

PROMPT = [5, 6, 7]


@pytest.mark.parametrize(("max_new_tokens", "last", "expected"), [(4, 99, 4), (10, 3, 3), (1, 99, 1)])
def test_tokens_are_forced_until_the_last_one_or_the_limit(max_new_tokens, last, expected):
    one, forced, seen = model("llama"), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], []

    def next_token(scores):
        assert scores.shape == (1, one.config.vocab_size)
        full = torch.tensor([PROMPT + forced[: len(seen)]])
        torch.testing.assert_close(scores, one(input_ids=full).logits[:, -1].float(), atol=1e-4, rtol=1e-4)
        seen.append(forced[len(seen)])
        return seen[-1], len(seen) == last

    with torch.inference_mode():
        generate_unbatched(one, PROMPT, max_new_tokens, next_token)
    assert seen == forced[:expected]
