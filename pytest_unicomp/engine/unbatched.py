"""Writes one text by transformers' own loop, for a model whose keys and values do not outlast the length that the text will have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def write(model: Any, prompt: Sequence[int], limit: int, say: Callable[[Any], tuple[int, bool]]) -> None:
    """Go on from a prompt of at least one token id, by at most `limit` tokens.

    `say` is given the scores of what comes next, shape (1, vocabulary), as the model's generation_config leaves them, and returns the token
    chosen and whether it is the last.
    """
    import torch
    from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

    ended = False

    class Says(LogitsProcessor):  # type: ignore[misc]  # transformers says no types
        def __call__(self, input_ids: Any, scores: Any) -> Any:
            nonlocal ended
            token, ended = say(scores)
            return torch.full_like(scores, float("-inf")).index_fill(1, torch.tensor([token], device=scores.device), 0.0)

    class Ends(StoppingCriteria):  # type: ignore[misc]  # as above
        def __call__(self, input_ids: Any, scores: Any, **settings: Any) -> Any:
            return torch.full((len(input_ids),), ended, device=input_ids.device)

    ids = torch.tensor([list(prompt)], device=model.device)
    model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=limit,
        do_sample=False,
        use_cache=True,
        pad_token_id=0,
        logits_processor=LogitsProcessorList([Says()]),
        stopping_criteria=StoppingCriteriaList([Ends()]),
    )
