"""Records -> files and lines: everything a run tells is written from a `Report` alone, never from options."""

from pytest_unicomp.report.files import SUFFIXES, validate, write

__all__ = ["SUFFIXES", "validate", "write"]
