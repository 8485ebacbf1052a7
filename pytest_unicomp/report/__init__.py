"""Records -> files and lines: everything is written from a `Report` alone, one that a run has just made or one read from a file."""

from pytest_unicomp.report.files import SUFFIXES, validate, write

__all__ = ["SUFFIXES", "validate", "write"]
