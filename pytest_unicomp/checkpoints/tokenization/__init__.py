"""Compares two tokenizers by what they make of a corpus of probe texts, in a child process with limits on time and memory."""

from pytest_unicomp.checkpoints.tokenization.comparison import TokenizerComparison, compare_tokenizers

__all__ = ["TokenizerComparison", "compare_tokenizers"]
