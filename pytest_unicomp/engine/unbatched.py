"""Generates one text with transformers' own `generate`, for a text whose KV cache becomes invalid because its length crosses a RoPE switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def generate_unbatched(model: Any, prompt: Sequence[int], max_new_tokens: int, next_token: Callable[[Any], tuple[int, bool]]) -> None:
    """Continue a prompt of at least one token id by at most `max_new_tokens` tokens.

    `next_token` gets the logits of the next position, shape (1, vocabulary), after the processors of the model's generation_config. It returns
    the chosen token, and True if that is the last one.
    """
    import torch
    from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

    finished = False

    class ForceChosenToken(LogitsProcessor):  # type: ignore[misc]  # transformers has no types
        def __call__(self, input_ids: Any, scores: Any) -> Any:
            nonlocal finished
            token, finished = next_token(scores)
            return torch.full_like(scores, float("-inf")).index_fill(1, torch.tensor([token], device=scores.device), 0.0)

    class StopIfFinished(StoppingCriteria):  # type: ignore[misc]  # as above
        def __call__(self, input_ids: Any, scores: Any, **settings: Any) -> Any:
            return torch.full((len(input_ids),), finished, device=input_ids.device)

    ids = torch.tensor([list(prompt)], device=model.device)
    model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        use_cache=True,
        pad_token_id=0,
        logits_processor=LogitsProcessorList([ForceChosenToken()]),
        stopping_criteria=StoppingCriteriaList([StopIfFinished()]),
    )
