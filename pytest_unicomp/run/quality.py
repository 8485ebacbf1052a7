"""The quality scores of each recipe and the paper's claims about them, from the measurements of one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Claim
from pytest_unicomp.report import scores
from pytest_unicomp.run.candidates import Candidate
from pytest_unicomp.run.preflight import Prepared
from pytest_unicomp.run.results import Results

Scores = Mapping[str, scores.Score]


class Quality:
    """Scores, each computed once per recipe and set of benchmarks; a run that stops early has none, since its items differ by recipe."""

    def __init__(self, prepared: Prepared, results: Results) -> None:
        """Store the arguments; scores are computed on request."""
        self._prepared, self._results = prepared, results
        self._scores: dict[tuple[str, tuple[str, ...]], Scores] = {}

    def of(self, recipe: str, benchmarks: Iterable[str]) -> Scores:
        """Return the ten quality scores of a recipe from the measurements of the named benchmarks."""
        settings = self._prepared.settings
        if settings.sequential:
            return {}
        names = tuple(benchmarks)
        if (recipe, names) not in self._scores:
            found = {name: (self._results.reference(name), self._results.measurement(recipe, name)) for name in names}
            pairs = {name: pair for name, pair in found.items() if compare.mismatch(*pair) is None}
            self._scores[recipe, names] = scores.scores(
                pairs, self._prepared.evaluation.scoring, confidence=self._prepared.policy.confidence, seed=settings.seed
            )
        return self._scores[recipe, names]

    def claims(self) -> list[Claim]:
        """Return the paper's claims on what this run measures (or plans, if nothing is promised); a broken cell leaves its claims untested."""
        candidates = self._prepared.plan.candidates
        # Early stopping would gain nothing if whole measurements were made for claims that stay untested.
        if self._prepared.settings.sequential:
            return self.claimed()
        return self.findings({candidate.name: self.of(candidate.name, self._measurable(candidate)) for candidate in candidates})

    def claimed(self) -> list[Claim]:
        """Return the same claims before anything is measured: what each is about."""
        return self.findings({candidate.name: {} for candidate in self._prepared.plan.candidates})

    def findings(self, quality: Mapping[str, Scores]) -> list[Claim]:
        """Return the paper's claims, each with the answer that the scores by recipe give to it."""
        candidates = self._prepared.plan.candidates
        families = {candidate.name: candidate.family for candidate in candidates}
        methods = {candidate.name: candidate.method.method for candidate in candidates if candidate.method is not None}
        return scores.findings(quality, families, methods, confidence=self._prepared.policy.confidence)

    def _measurable(self, candidate: Candidate) -> list[str]:
        """Return the benchmarks on which both the reference and the candidate could be measured."""
        found = []
        for cell in self._results.promised or self._prepared.plan.cells:
            if cell.recipe == candidate.name and cell.kind == "items" and cell.benchmark:
                try:
                    self._results.reference(cell.benchmark), self._results.measurement(cell.recipe, cell.benchmark)
                    found.append(cell.benchmark)
                except UnicompError:
                    continue
        return found
