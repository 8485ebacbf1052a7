"""Reads what a check rests on out of the store, and raises if it is gone or has changed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

from pydantic import ValidationError

from pytest_unicomp.api.records import Measurement, Source
from pytest_unicomp.compare import hashes
from pytest_unicomp.store.local import Store, digest

State = Literal["as_reported", "missing", "changed", "differs", "not_checked"]


# The parts of a store that a report may name, and how their keys are written: a path could lead anywhere.
KINDS = ("measurements", "timings", "findings", "evidence", "artifacts", "reports")
KEY = re.compile(r"[\w.@=-]{1,200}")


class Gone(Exception):
    """Evidence that cannot be used: `state` is missing, changed or differs, `note` says what of it."""

    def __init__(self, state: State, note: str) -> None:
        """Keep both beside the message."""
        super().__init__(note)
        self.state, self.note = state, note


def read(store: Store, source: Source) -> dict[str, Any]:
    """Return a stored document that is what it was; raise Gone if it is missing or has changed."""
    # Whatever the seal says: the report has the digest of what it rests on, and a document that was edited is changed, not missing.
    if source.kind not in KINDS or not KEY.fullmatch(source.key):
        raise Gone("differs", f"its evidence {source.kind[:40]!r}/{source.key[:40]!r} is no entry of a store")
    content = store.as_it_lies(source.kind, source.key)
    if content is None:
        raise Gone("missing", f"its evidence {source.kind}/{source.key} ({source.side}) is not in the store {store.root}")
    if source.kind in ("timings", "findings") and digest(content) != source.digest:
        raise Gone("changed", f"its evidence {source.kind}/{source.key} is not what it was when the report was made")
    return content


def fresh_measurement(store: Store, source: Source) -> Measurement:
    """Return a stored measurement that is what it was; raise Gone if it is missing, damaged or has changed."""
    try:
        found = Measurement.model_validate(read(store, source))
    except ValidationError as error:
        raise Gone("changed", f"its evidence {source.kind}/{source.key} is no measurement any more") from error
    if hashes.content(found) != source.digest:
        raise Gone("changed", f"its evidence {source.kind}/{source.key} ({source.side}) is not what it was when the report was made")
    return found


@lru_cache(maxsize=1024)
def measurement(store: Store, source: Source) -> Measurement:
    """Return the same, read once: a measurement serves many checks, and reading one takes a tenth of a second. `verify` forgets all at its start."""
    return fresh_measurement(store, source)
