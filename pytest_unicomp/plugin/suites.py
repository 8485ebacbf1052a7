"""Finds the packaged suites: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path


def suites() -> Path:
    """Return the folder of the packaged suites: inside the wheel, or beside the package in a checkout."""
    inside = Path(__file__).parent.parent / "suites"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "suites"
