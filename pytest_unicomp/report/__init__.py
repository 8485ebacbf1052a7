"""Records -> files and lines: everything is written from a `Report` alone, whether a run has just made it or a file holds it."""

from pytest_unicomp.report.files import SUFFIXES, validate, write

__all__ = ["SUFFIXES", "validate", "write"]
