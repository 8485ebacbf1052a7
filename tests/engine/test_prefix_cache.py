"""Rows that continue after a cached prefix have the logits of the whole sequences, with every kind of attention."""

import pytest
import torch

from pytest_unicomp.engine.lm_head import LMHead
from pytest_unicomp.engine.prefix_cache import CachedPrefix, after_prefix
from tests.engine.toy_models import model

PREFIX, ROWS = [5, 9, 2, 7, 1], [[3, 4], [8, 6]]


@torch.no_grad()
@pytest.mark.parametrize("attention", ["cascade", "transformers"])
@pytest.mark.parametrize("architecture", ["llama", "opt"])
def test_rows_after_a_prefix_have_the_logits_of_whole_sequences(architecture, attention):
    one = model(architecture)
    head = LMHead(one, unmodified=True)
    prefix = CachedPrefix.prefill(one, head, PREFIX, attention, chunk_size=2)
    assert (prefix.length, prefix.columns_in_batch) == (5, 0 if attention == "cascade" else 5)
    with after_prefix(one, head, prefix, [0, 1], [1, 1]):
        output = one(input_ids=torch.tensor(ROWS), past_key_values=prefix.batch_cache(2), use_cache=True).logits
    expected = one(input_ids=torch.tensor([PREFIX + row for row in ROWS])).logits[:, -1]
    torch.testing.assert_close(head.logits(output), expected, atol=1e-4, rtol=1e-4)
    assert prefix.cache.get_seq_length() == 5
