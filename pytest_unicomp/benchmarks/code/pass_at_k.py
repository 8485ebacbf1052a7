"""Estimates pass@k: the probability that at least one of k replies is right."""

from __future__ import annotations

from math import comb


def pass_at_k(replies: int, right: int, k: int) -> float:
    """Return the unbiased estimate 1 - C(replies - right, k) / C(replies, k) of pass@k from `right` right ones of `replies` replies to one item.

    Raises ValueError unless 0 <= right <= replies and 1 <= k <= replies. Source: Chen et al. 2021, arXiv 2107.03374, equation 1.
    """
    if not (0 <= right <= replies and 1 <= k <= replies):
        raise ValueError(f"pass@{k} of {right} right ones of {replies} replies; expected 0 <= right <= replies and 1 <= k <= replies")
    return 1 - comb(replies - right, k) / comb(replies, k)
