"""Reads the evidence of a check from the store; raises Gone if it is missing or has changed since the report."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import ValidationError

from pytest_unicomp.api.records import Check, Measurement, Source
from pytest_unicomp.compare import hashes
from pytest_unicomp.store.local import Store, digest

State = Literal["as_reported", "missing", "changed", "differs", "not_checked"]


# The parts of a store that a report may name, and how their keys are written: a path could lead anywhere.
KINDS = ("measurements", "timings", "findings", "evidence", "artifacts", "reports")
KEY = re.compile(r"[\w.@=-]{1,200}")


class Gone(Exception):
    """Evidence that cannot be used: `state` is missing, changed or differs, `note` says what of it."""

    def __init__(self, state: State, note: str) -> None:
        """Store the state, and the note as the message."""
        super().__init__(note)
        self.state, self.note = state, note


class Evidence:
    """The evidence of one report in `store`. Each measurement is read once: it serves many checks, and reading one takes a tenth of a second."""

    def __init__(self, store: Store) -> None:
        """Store the arguments; measurements are read on first request."""
        self.store = store
        self._measurements: dict[Source, Measurement] = {}

    def read(self, source: Source) -> dict[str, Any]:
        """Return the stored document of a source; raise Gone if it is missing or differs from the digest in the report."""
        # Whatever the seal says: the report has the digest of what it rests on, and a document that was edited is changed, not missing.
        if source.kind not in KINDS or not KEY.fullmatch(source.key):
            raise Gone("differs", f"its evidence {source.kind[:40]!r}/{source.key[:40]!r} is no entry of a store")
        content = self.store.as_it_lies(source.kind, source.key)
        if content is None:
            raise Gone("missing", f"its evidence {source.kind}/{source.key} ({source.side}) is not in the store {self.store.root}")
        if source.kind in ("timings", "findings") and digest(content) != source.digest:
            raise Gone("changed", f"its evidence {source.kind}/{source.key} is not what it was when the report was made")
        return content

    def measurement(self, source: Source) -> Measurement:
        """Return the stored measurement of a source; raise Gone if it is missing, damaged or differs from the digest in the report."""
        if source not in self._measurements:
            self._measurements[source] = self._measurement(source)
        return self._measurements[source]

    def pair(self, check: Check) -> tuple[Measurement, Measurement]:
        """Return the measurements of the reference and of the recipe that a check rests on; raise Gone if it does not name both."""
        found = {source.side: source for source in check.sources}
        if "reference" not in found or "candidate" not in found:
            raise Gone("missing", f"the check of {check.recipe} on {check.benchmark} names no evidence")
        return self.measurement(found["reference"]), self.measurement(found["candidate"])

    def _measurement(self, source: Source) -> Measurement:
        try:
            found = Measurement.model_validate(self.read(source))
        except ValidationError as error:
            raise Gone("changed", f"its evidence {source.kind}/{source.key} is no measurement any more") from error
        if hashes.content(found) != source.digest:
            raise Gone("changed", f"its evidence {source.kind}/{source.key} ({source.side}) is not what it was when the report was made")
        return found
