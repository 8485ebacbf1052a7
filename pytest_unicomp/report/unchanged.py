"""Tells apart the drift checks that found the stored evidence again, item by item: one line says it for all of them."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.records import Check


def is_unchanged(check: Check) -> bool:
    """Say whether a drift check passed on evidence that does not differ at all."""
    return (
        check.question == "drift" and check.verdict == "pass" and check.difference == 0 and check.interval == (0, 0) and not check.changes
    )


def split_unchanged(checks: Sequence[Check]) -> tuple[list[Check], list[Check]]:
    """Return the checks that need a line each, and those that one line is for."""
    return [check for check in checks if not is_unchanged(check)], [check for check in checks if is_unchanged(check)]
