"""Names the stored documents behind a check, from which `unicomp verify` recomputes it."""

from __future__ import annotations

from typing import Any, Literal

from pytest_unicomp.api.records import Artifact, Measurement, Source
from pytest_unicomp.compare.hashes import content
from pytest_unicomp.run.check_inputs import Pair, Timed
from pytest_unicomp.run.plan import REFERENCE
from pytest_unicomp.run.results import Results
from pytest_unicomp.store.local import Store, digest

Side = Literal["reference", "candidate", "earlier"]


class Sources:
    """The sources of one run's checks; what the store does not hold yet is kept there under its content."""

    def __init__(self, results: Results, store: Store) -> None:
        """Store the arguments."""
        self._results, self._store = results, store
        self._known: dict[tuple[str, str, frozenset[str] | None], Source] = {}

    def of_measurement(self, recipe: str, benchmark: str, made: Measurement, items: frozenset[str] | None = None) -> Source:
        """Name the stored measurement of a recipe, or the part of it that `items` are."""
        side: Side = "reference" if recipe == REFERENCE else "candidate"
        stored = recipe == REFERENCE and self._results.reference_is_stored(benchmark)
        if stored or not self._results.scores_items(benchmark):
            return self.kept(side, made)
        known = (recipe, benchmark, items)
        if known not in self._known:
            key = self._results.key(recipe, benchmark, items)
            self._known[known] = Source(side=side, kind="measurements", key=key, digest=content(made), part=items is not None)
        return self._known[known]

    def of_pair(self, first: str, second: str, pair: Pair) -> list[Source]:
        """Name the stored measurements of a pair: that of the recipe `first` or the reference, and that of `second`."""
        sides = ((first, pair.reference), (second, pair.candidate))
        return [self.of_measurement(recipe, made.benchmark, made) for recipe, made in sides]

    def kept(self, side: Side, made: Measurement) -> Source:
        """Keep a measurement that the store does not hold by key (a baseline, a size) under its content, and name it."""
        found = content(made)
        if self._store.read("evidence", found) is None:
            self._store.write("evidence", found, made.model_dump(mode="json"))
        return Source(side=side, kind="evidence", key=found, digest=found)

    def of_timings(self, timed: Timed) -> Source:
        """Keep timed rounds, whose they are, and the table of a kernel, under their content: those of an unhealthy host are kept nowhere else."""
        table = None if timed.kernel is None else timed.kernel.model_dump(mode="json")
        return self._document("timings", {"rounds": timed.rounds.extra_info(), "kernel": table, "fingerprints": list(timed.identity)})

    def of_findings(self, document: dict[str, Any], artifact: Artifact, reference: Artifact) -> Source:
        """Store the findings of the static checks and the artifacts that they are about, keyed by content; return the source that names them."""
        what = {"artifact": _described(artifact), "reference": _described(reference)}
        return self._document("findings", {**document, **what})

    def _document(self, kind: str, document: dict[str, Any]) -> Source:
        key = digest(document)
        self._store.write(kind, key, document)
        return Source(side="both", kind=kind, key=key, digest=key)


def _described(artifact: Artifact) -> dict[str, Any]:
    """Return the artifact's fields that do not depend on its place and name."""
    return artifact.model_dump(mode="json", exclude={"path", "recipe"})
