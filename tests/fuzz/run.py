"""Searches for bytes that a parser neither takes nor refuses in one line: `python -m tests.fuzz.run [SECONDS] [PARSER ...]`.

Mutates the corpus until the time is over, under limits of time and memory, and writes what it finds beside the corpus as `found-*`.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.parsers import CORPUS, PARSERS, is_one_line, mutations, seeds, survives

MEMORY = 8 << 30
SECONDS_EACH = 20


class TooSlow(BaseException):
    """An input took longer than SECONDS_EACH."""


def main(seconds: float, names: list[str]) -> int:
    """Fuzz each parser for its share of the time; return the number of faults."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.signal(signal.SIGALRM, _too_slow)
    seed = random.SystemRandom().randrange(2**32)
    sys.stdout.write(f"seed {seed}" + "\n")
    return sum(_fuzz(name, seconds / len(names), random.Random(f"{seed}{name}")) for name in names)


def _fuzz(name: str, seconds: float, draw: random.Random) -> int:
    streams = [mutations(path.read_bytes(), draw) for path in seeds(name)]
    tried, faults, end = 0, 0, time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            content = next(draw.choice(streams))
            tried += 1
            signal.alarm(SECONDS_EACH)
            try:
                refused = survives(name, content, Path(folder))
                assert refused is None or is_one_line(refused), refused
            except (Exception, TooSlow) as fault:  # noqa: BLE001 - whatever it is, it is what this looks for
                faults += 1
                kept = CORPUS / name / f"found-{hashlib.sha256(content).hexdigest()[:12]}{seeds(name)[0].suffix}"
                kept.write_bytes(content)
                sys.stdout.write(f"{name}: {type(fault).__name__}: {str(fault)[:200]}: {kept}" + "\n")
            finally:
                signal.alarm(0)
    sys.stdout.write(f"{name}: {tried} inputs, {faults} faults" + "\n")
    return faults


def _too_slow(number: int, frame: object) -> None:
    raise TooSlow


if __name__ == "__main__":
    sys.exit(1 if main(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0, sys.argv[2:] or list(PARSERS)) else 0)
