"""Judges what the study has stored by the package's own rules, as one report, which `unicomp verify` recomputes from the same evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.study.protocol import CALIBRATION, DENSE, MODEL, TARGET
from benchmarks.study.stored import Stored
from pytest_unicomp import compare
from pytest_unicomp.api.records import Artifact, CapabilityVerdict, Check, Measurement, Question, Report, Source
from pytest_unicomp.api.registry import methods
from pytest_unicomp.compare.hashes import content
from pytest_unicomp.compare.pooling import unanchored
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.engine.host import host
from pytest_unicomp.report import scores
from pytest_unicomp.run import conclude
from pytest_unicomp.run.check_inputs import Pair
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.plan import REFERENCE, Cell
from pytest_unicomp.run.provenance import Provenance
from pytest_unicomp.run.rank_recipes import rank_recipes

POLICY = compare.Policy()


@dataclass(frozen=True)
class Judged:
    """The stored study, the report on it, and the evidence behind its checks by the digest of its content."""

    stored: Stored
    report: Report
    evidence: Mapping[str, Measurement]

    def checks(self) -> dict[str, dict[str, Check]]:
        """Return the comparisons with the reference, by recipe and benchmark."""
        found: dict[str, dict[str, Check]] = {}
        for check in self.report.checks:
            if check.question == "retention":
                found.setdefault(check.recipe, {})[check.benchmark] = check
        return found

    def capabilities(self, recipe: str) -> dict[str, CapabilityVerdict]:
        """Return the verdict on each capability, pooled over the benchmarks on which the reference is above chance."""
        groups: dict[str, list[Check]] = {}
        for check in self.checks()[recipe].values():
            if not unanchored(check):
                groups.setdefault(check.capability, []).append(check)
        return {name: compare.pool(own, policy=POLICY) for name, own in groups.items()}


@dataclass(frozen=True)
class _Judge:
    stored: Stored
    evidence: dict[str, Measurement] = field(default_factory=dict)

    def retained(self, recipe: str) -> Iterator[Check]:
        """Compare a recipe with the reference on every benchmark that is stored of both."""
        for benchmark, after in self.stored.measured[recipe].items():
            before = self.stored.dense.get(benchmark)
            if before is not None:
                yield self._asked(recipe, "retention", Pair(before, after), "reference")

    def gained(self, recipe: str) -> Iterator[Check]:
        """Compare a recipe made with the target's text with itself made with the usual one."""
        name, _, target = recipe.partition("@")
        for benchmark, after in self.stored.measured[recipe].items() if target else ():
            before = self.stored.measured.get(name, {}).get(benchmark)
            if before is not None:
                yield self._asked(recipe, "calibration", Pair(before, after), "candidate")

    def quality(self, checks: Iterable[Check]) -> dict[str, scores.Score]:
        """Return the scores of a recipe from what its checks rest on."""
        pairs = {check.benchmark: (self.stored.dense[check.benchmark], self.after(check)) for check in checks}
        return scores.scores(pairs, "corrected", confidence=POLICY.confidence)

    def provenance(self, checks: Iterable[Check]) -> Provenance:
        """Note where the measurements behind the checks come from."""
        found = Provenance()
        for check in checks:
            found.note(REFERENCE, self.stored.dense[check.benchmark])
            found.note(check.recipe, self.after(check))
        return found

    def after(self, check: Check) -> Measurement:
        """Return the measurement of a check's recipe."""
        return self.stored.measured[check.recipe][check.benchmark]

    def _asked(self, recipe: str, question: Question, pair: Pair, first: Literal["reference", "candidate"]) -> Check:
        sources = []
        for side, found in ((first, pair.reference), ("candidate", pair.candidate)):
            key = content(found)
            self.evidence[key] = found
            sources.append(Source(side=side, kind="evidence", key=key, digest=key))
        check = Checker(POLICY).check(_cell(recipe, pair.candidate), question, pair)
        return check.model_copy(update={"sources": sources})


def _cell(recipe: str, found: Measurement) -> Cell:
    return Cell(
        recipe=recipe,
        family=methods()[recipe.partition("@")[0]].family,
        gates=False,
        benchmark=found.benchmark,
        kind="items",
        dimension=found.dimension,
        capability=found.capability,
        seed=found.conditions.seed,
    )


def judge(stored: Stored) -> Judged:
    """Compare each recipe with the reference, and those made with the target's text with themselves; nothing gates."""
    judge = _Judge(stored)
    names = _recipes(stored)
    checks = [check for name in names for check in (*judge.retained(name), *judge.gained(name))]
    rows, quality = [], {}
    efficiency = scores.efficiency_scores(checks, {name: _artifact(stored, name) for name in names})
    for name in names:
        own = [check for check in checks if check.recipe == name]
        if own:
            row = conclude.recipe(own, _artifact(stored, name), policy=POLICY)
            quality[name] = judge.quality(conclude.scored(own))
            rows.append(conclude.with_scores(row, quality[name], efficiency[name], "corrected"))
    verdict, code, reason = compare.run_verdict(rows, POLICY, None)
    families, kinds = {row.recipe: row.family for row in rows}, {row.recipe: str(row.settings.get("method")) for row in rows}
    report = Report(
        created=max((found.created for own in stored.measured.values() for found in own.values()), default=""),
        verdict=verdict,
        without_waivers=verdict,
        exit_code=code,
        reason=reason,
        environment=host.describe(),
        policy=_policy(names, checks),
        reference=None,
        recipes=rows,
        checks=checks,
        calibration_gains=compare.calibration_gains(checks, before=CALIBRATION, after=TARGET, policy=POLICY),
        findings=scores.findings(quality, families, kinds, confidence=POLICY.confidence),
        pareto=scores.points(rows, checks),
        cheapest=scores.cheapest(rows),
        unchanged=compare.unchanged_gate([]),
        rankings=rank_recipes(conclude.scored(checks), judge.after, POLICY),
        origins=judge.provenance(conclude.paired(checks)).origins(),
    )
    return Judged(stored, report, judge.evidence)


def _policy(names: Iterable[str], checks: Iterable[Check]) -> dict[str, Any]:
    own = ",".join(dict.fromkeys(name.partition("@")[0] for name in names)) or DENSE
    settings = resolve({"model": MODEL, "inform": own, "recipe": own, "calibration": CALIBRATION, "calibration_target": TARGET})
    named = dict.fromkeys(check.benchmark for check in checks)
    record = conclude.policy_record(settings, list(named), [], confidence=POLICY.confidence)
    # The number of items differs between the benchmarks, and so it is no setting of the whole.
    return {name: value for name, value in record.items() if name != "limit"}


def _artifact(stored: Stored, recipe: str) -> Artifact | None:
    """Return the artifact that all stored cells of a recipe are of; None if it was made again with other weights between them."""
    made = stored.recipes.get(recipe)
    if made is None or made.artifact is None or stored.fingerprints(recipe) != {made.artifact.fingerprint}:
        return None
    return made.artifact


def _recipes(stored: Stored) -> list[str]:
    order = list(methods())
    known = [name for name in stored.measured if name.partition("@")[0] in order and name != DENSE]
    return sorted(known, key=lambda name: (order.index(name.partition("@")[0]), name))
