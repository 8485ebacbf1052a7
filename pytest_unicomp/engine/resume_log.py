"""Answers of an evaluation that is under way, one line each, so that a killed run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


class Journal:
    """An append-only file of answers, keyed by the request; one process writes it at a time (its measurement's lock sees to that)."""

    def __init__(self, path: Path) -> None:
        """Read what `path` holds; a last line that a kill cut short is dropped, and so is every line that is not ours."""
        self.path = path
        self._known: dict[str, Any] = {}
        self._file: IO[str] | None = None
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                    self._known[str(entry["key"])] = entry["answer"]
                except (ValueError, KeyError, TypeError):
                    continue

    def __len__(self) -> int:
        """Count the answers that are known."""
        return len(self._known)

    def get(self, kind: str, arguments: Any) -> Any | None:
        """Return the answer to a request, or None where it is not known; lists come back for tuples."""
        return self._known.get(_key(kind, arguments))

    def put(self, kind: str, arguments: Any, answer: Any) -> None:
        """Write an answer down; it is on its way to the disk when this returns."""
        key = _key(kind, arguments)
        self._known[key] = answer
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A line break first: what a kill left of the last line must not swallow this one.
            self._file = self.path.open("a", encoding="utf-8")
            self._file.write("\n")
        self._file.write(json.dumps({"key": key, "answer": answer}) + "\n")
        self._file.flush()

    @contextmanager
    def kept_by(self, lm: Any) -> Iterator[None]:
        """Let a language model write its answers here, and look them up, within the block; one that keeps no journal does nothing of it."""
        lm.journal = self
        try:
            yield
        finally:
            lm.journal = None

    def close(self, *, keep: bool) -> None:
        """Close the file; without `keep` it is removed, since what it holds is in the store by now."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if not keep:
            self.path.unlink(missing_ok=True)


def numbered(asked: Iterable[Hashable]) -> list[int]:
    """Return how many equal ones stand before each of what is asked: what is known and what is not counts alike, so that numbers outlive a kill."""
    seen: Counter[Hashable] = Counter()
    numbers = []
    for one in asked:
        numbers.append(seen[one])
        seen[one] += 1
    return numbers


def _key(kind: str, arguments: Any) -> str:
    text = json.dumps([kind, arguments], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
