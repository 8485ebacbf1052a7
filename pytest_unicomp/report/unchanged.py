"""Finds drift checks whose measurement equals its baseline item by item; the page summarizes them in one line."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.records import Check


def is_unchanged(check: Check) -> bool:
    """Return True if a drift check passed without any difference or changed version."""
    return (
        check.question == "drift" and check.verdict == "pass" and check.difference == 0 and check.interval == (0, 0) and not check.changes
    )


def split_unchanged(checks: Sequence[Check]) -> tuple[list[Check], list[Check]]:
    """Return the checks that need a row each, and the unchanged ones."""
    return [check for check in checks if not is_unchanged(check)], [check for check in checks if is_unchanged(check)]
