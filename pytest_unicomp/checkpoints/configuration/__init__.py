"""Compares what two config.json compute, whichever way their settings are spelled."""

from pytest_unicomp.checkpoints.configuration.differences import SIZES, Comparison, compare, compare_as_written, same_as_written
from pytest_unicomp.checkpoints.configuration.resolve import Resolved, Unresolved, resolve

__all__ = ["SIZES", "Comparison", "Resolved", "Unresolved", "compare", "compare_as_written", "resolve", "same_as_written"]
