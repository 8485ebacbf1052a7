"""The answers of an evaluation in progress, one JSON line each, so that a killed run resumes after the last of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


class ResumeLog:
    """An append-only file of answers by request. Only one process may write it at a time; the lock of its measurement ensures that."""

    def __init__(self, path: Path) -> None:
        """Read the answers in `path`; lines that are incomplete after a kill, or not entries of a resume log, are ignored."""
        self.path = path
        self._answers: dict[str, Any] = {}
        self._file: IO[str] | None = None
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                    self._answers[str(entry["key"])] = entry["answer"]
                except (ValueError, KeyError, TypeError):
                    continue

    def __len__(self) -> int:
        """Count the answers in the log."""
        return len(self._answers)

    def get(self, kind: str, arguments: Any) -> Any | None:
        """Return the answer to a request, or None if it is not in the log; tuples come back as lists."""
        return self._answers.get(_key(kind, arguments))

    def put(self, kind: str, arguments: Any, answer: Any) -> None:
        """Append an answer, and flush it to the operating system before returning."""
        key = _key(kind, arguments)
        self._answers[key] = answer
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")
            # A line that a kill left incomplete must not absorb this one.
            self._file.write("\n")
        self._file.write(json.dumps({"key": key, "answer": answer}) + "\n")
        self._file.flush()

    @contextmanager
    def attached_to(self, lm: Any) -> Iterator[None]:
        """Make `lm` look up and append its answers here, within the block; a language model that ignores `resume_log` is not affected."""
        lm.resume_log = self
        try:
            yield
        finally:
            lm.resume_log = None

    def close(self, *, keep: bool) -> None:
        """Close the file. Unless `keep`, delete it: the store then has the finished measurement."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if not keep:
            self.path.unlink(missing_ok=True)


def ordinals(requests: Iterable[Hashable]) -> list[int]:
    """Return, for each request, how many equal ones come before it. Answered requests count too, so that a resumed run gives the same numbers."""
    seen: Counter[Hashable] = Counter()
    numbers = []
    for request in requests:
        numbers.append(seen[request])
        seen[request] += 1
    return numbers


def _key(kind: str, arguments: Any) -> str:
    text = json.dumps([kind, arguments], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
