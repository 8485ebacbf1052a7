"""Verifies that the evidence of a check belongs to the artifact, benchmark and policy that the report names: valid evidence of another proves nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_unicomp.api.records import Artifact, Check, Measurement, RecipeVerdict, Report, Source
from pytest_unicomp.cli.verify.evidence import Evidence
from pytest_unicomp.config.parsers import served
from pytest_unicomp.report.json import document

# Of an artifact: under which name and where it lay, which does not belong to what it is.
ELSEWHERE = ("recipe", "path")


def untied(report: Report, check: Check, evidence: Evidence) -> list[str]:
    """Return one phrase per piece of evidence that is not of the artifact, benchmark or policy that the check is about; raise Gone."""
    row = next((recipe for recipe in report.recipes if recipe.recipe == check.recipe), None)
    found = list(_rows(check, row))
    for place, source in enumerate(check.sources):
        if source.kind == "findings":
            found += _described(report, row, evidence.read(source))
        elif source.kind == "timings":
            found += _timed(report, row, evidence.read(source))
        elif source.kind in ("measurements", "evidence"):
            last = place == len(check.sources) - 1
            found += _measured(report, check, row, source, evidence.measurement(source), last=last)
    return list(dict.fromkeys(found))


def _rows(check: Check, row: RecipeVerdict | None) -> Iterator[str]:
    if row is None:
        return
    if check.family != row.family:
        yield f"its family is {check.family}, its recipe's is {row.family}"
    if check.gates != row.gates:
        yield f"gates is {_word(check.gates)}, its recipe's is {_word(row.gates)}"


def _measured(report: Report, check: Check, row: RecipeVerdict | None, source: Source, made: Measurement, *, last: bool) -> Iterator[str]:
    name = f"its evidence {source.kind}/{source.key} ({source.side})"
    for what, found, wanted in (
        ("the benchmark", made.benchmark, check.benchmark),
        ("the capability", made.capability, check.capability),
        ("the dimension", made.dimension, check.dimension),
    ):
        if found != wanted:
            yield f"{name} is of {what} {found}, the check of {wanted}"
    owner = _owner(report, check, row, source, last=last)
    if owner is not None and made.artifact != owner:
        yield f"{name} is of the fingerprint {made.artifact[:12]}, the report's is {owner[:12]}"
    # A baseline may be of another policy, and a run that compares it with that says so.
    if made.items and source.side == "candidate":
        yield from _conditions(report.policy, made, name)


def _owner(report: Report, check: Check, row: RecipeVerdict | None, source: Source, *, last: bool) -> str | None:
    """Return the fingerprint that a measurement must be of, or None if the report does not decide it."""
    if source.side == "candidate":
        artifact = row.artifact if row else None
        # Of two calibration texts the first is another recipe's.
        own = check.question != "calibration" or last
        return artifact.fingerprint if artifact and own else None
    given = str(report.policy.get("reference", "run"))
    # Drift compares with a baseline, and a served or stored reference is what it was when it was measured.
    fixed = source.side == "reference" and check.question != "drift" and given != "stored" and not served(given)
    return report.reference.fingerprint if fixed and report.reference else None


def _conditions(policy: Mapping[str, Any], made: Measurement, name: str) -> Iterator[str]:
    for field in ("seed", "limit"):
        found = getattr(made.conditions, field)
        if field in policy and policy[field] != found:
            yield f"{name} was measured with {field} {found}, the policy's is {policy[field]}"


def _described(report: Report, row: RecipeVerdict | None, kept: Mapping[str, Any]) -> Iterator[str]:
    """Compare what was inspected with the artifact and the reference that the report names; older evidence does not hold them."""
    if "artifact" in kept and row is not None and row.artifact is not None:
        first, second = document(row.artifact), document(Artifact.model_validate({**kept["artifact"], "recipe": "", "path": ""}))
        for name in first:
            if name not in ELSEWHERE and first[name] != second[name]:
                yield f"artifact.{name} is {first[name]} in the report and {second[name]} from its evidence"
    if "reference" in kept and report.reference is not None:
        for name in ("fingerprint", "parameters", "bytes"):
            stated, found = getattr(report.reference, name), kept["reference"][name]
            if stated != found:
                yield f"reference.{name} is {stated} in the report and {found} from its evidence"


def _timed(report: Report, row: RecipeVerdict | None, kept: Mapping[str, Any]) -> Iterator[str]:
    fingerprints = kept.get("fingerprints")
    if fingerprints is None:
        return
    wanted = [report.reference.fingerprint if report.reference else ""]
    if kept["kernel"] is None:
        wanted.append(row.artifact.fingerprint if row and row.artifact else "")
    if list(fingerprints) != wanted:
        yield f"its timings are of {', '.join(found[:12] for found in fingerprints)}, the report's are {', '.join(one[:12] for one in wanted)}"


def _word(value: bool) -> str:
    return "true" if value else "false"
