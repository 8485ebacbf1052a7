"""The N:M patterns of sparsity as llm-compressor writes them: "2:4", or "0:0" for none."""

from __future__ import annotations


def pattern_length(pattern: str) -> int:
    """Return the M of a pattern N:M, the number of consecutive inputs that share N zeros; 1 for "0:0", which has no groups."""
    return max(1, int(pattern.partition(":")[2]))
