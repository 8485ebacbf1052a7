"""Searches a text for a regular expression of a stranger within a time limit: some patterns take years on a short text."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

LONGEST: Final = 2000
SECONDS: Final = 1.0


def fault(pattern: Any) -> str | None:
    """Return in one phrase why a pattern is no regular expression that can be used, or None if it is one."""
    import regex

    if not isinstance(pattern, str):
        return f"is {type(pattern).__name__}"
    if len(pattern) > LONGEST:
        return f"has {len(pattern):,} characters, more than {LONGEST:,}"
    try:
        _compiled(pattern)
    # The compiler recurses for nested groups, overflows for the largest repeats, and refuses contradictory flags with a ValueError.
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        return f"is no regular expression ({str(error) or type(error).__name__})"
    return None


def found(pattern: str, text: str, *, seconds: float = SECONDS) -> bool | None:
    """Return True if a pattern matches anywhere in a text, None if `seconds` or the library's own limit on memory did not suffice."""
    try:
        return _compiled(pattern).search(text, timeout=seconds) is not None
    except (TimeoutError, MemoryError):
        return None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import regex

    return regex.compile(pattern)
