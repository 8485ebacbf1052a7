"""The answers of an evaluation in progress, one JSON line each, so that a killed run resumes after the last of them.

Each line carries the SHA-256 of its answer, its request and the log that it belongs to. A line that is not as it was written is not used.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pytest_unicomp.store.local import write_text


class ResumeLog:
    """An append-only file of answers by request; its name, without the suffix, is the key of its measurement.

    Only one process may write it at a time; the lock of its measurement ensures that. `damaged` holds the lines that are not what this log wrote.
    """

    def __init__(self, path: Path) -> None:
        """Read the answers in `path`. A last line that a kill left incomplete is ignored; other lines that were not written here are damaged."""
        self.path = path
        self.damaged: list[bytes] = []
        self._answers: dict[str, Any] = {}
        self._file: IO[str] | None = None
        self._stale = False
        if path.is_file():
            *lines, last = path.read_bytes().split(b"\n")
            for line in filter(None, lines):
                if not self._take(line):
                    self.damaged.append(line)
            self._stale = bool(self.damaged) or (bool(last) and not self._take(last))

    def __len__(self) -> int:
        """Count the answers in the log."""
        return len(self._answers)

    def get(self, kind: str, arguments: Any) -> Any | None:
        """Return the answer to a request, or None if it is not in the log; tuples come back as lists."""
        return self._answers.get(_key(kind, arguments))

    def put(self, kind: str, arguments: Any, answer: Any) -> None:
        """Append an answer, and flush it to the operating system before returning."""
        key = _key(kind, arguments)
        if self._file is None:
            self._file = self._opened()
        self._answers[key] = answer
        self._file.write(self._line(key, answer))
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

    def _opened(self) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._stale:
            write_text(self.path, "".join(self._line(key, answer) for key, answer in self._answers.items()))
            self._stale = False
        file = self.path.open("a", encoding="utf-8")
        # A whole last line may lack its end after a kill.
        file.write("\n")
        return file

    def _take(self, line: bytes) -> bool:
        """Keep the answer of a line and return True, or return False if the line is not one that this log wrote."""
        try:
            entry = json.loads(line)
            key, answer = entry["key"], entry["answer"]
            whole = isinstance(key, str) and entry["sha256"] == self._seal(key, answer)
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        if whole:
            self._answers[key] = answer
        return whole

    def _line(self, key: str, answer: Any) -> str:
        return json.dumps({"key": key, "answer": answer, "sha256": self._seal(key, answer)}) + "\n"

    def _seal(self, key: str, answer: Any) -> str:
        # As text: what JSON reads back, it writes in the same characters, floating-point numbers included.
        text = json.dumps([self.path.stem, key, json.dumps(answer)])
        return hashlib.sha256(text.encode()).hexdigest()


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
