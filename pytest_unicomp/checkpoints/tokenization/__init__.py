"""Compares two tokenizers on a corpus of probe texts, in a child process with limits on time and memory."""

from pytest_unicomp.checkpoints.tokenization.comparison import TokenizerComparison, compare_tokenizers

__all__ = ["TokenizerComparison", "compare_tokenizers"]
