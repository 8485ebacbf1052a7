"""Compares a report, value by value, with the copy that its run kept in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_unicomp.api.records import Report
from pytest_unicomp.cli.verify.answer import Answer
from pytest_unicomp.cli.verify.evidence import KEY
from pytest_unicomp.cli.verify.older import without_absent
from pytest_unicomp.run.report_record import KIND, recorded
from pytest_unicomp.store.local import Store, digest

WHAT = "the record of the run"
# What the per-item evidence and the checks do not decide, so that only the record shows an edit of it: path in the report -> why.
ONLY_IN_RECORD: Final[Mapping[str, str]] = {
    "created": "the same evidence may be reported on another day",
    "environment": "the machine that wrote the report measured nothing if all was stored",
    "policy.backend": "engines are compared by the conditions of the measurements",
    "policy.backend_candidate": "engines are compared by the conditions of the measurements",
    "policy.candidates": "engines are compared by the conditions of the measurements",
    "policy.calibration": "an artifact names its text itself",
    "policy.confidence": "it follows from alpha",
    "policy.drift_margin": "it decides nothing without drift checks",
    "policy.inconclusive": "it decides nothing if nothing is inconclusive",
    "policy.judge": "a measurement names its own judge",
    "policy.latency_margin": "it decides nothing without timings",
    "policy.limits": "they decide nothing for benchmarks that are not in the plan",
    "policy.margins": "they decide nothing for benchmarks that are not in the plan",
    "policy.reply_limits": "they decide nothing for benchmarks that are not in the plan",
    "policy.must_pass": "it decides nothing for benchmarks that are not in the plan",
    "policy.max_gen_toks": "the conditions of a measurement hold its own",
    "policy.profile": "it is a name for values that the policy shows",
    "policy.reference": "the measurements name their artifact themselves",
    "policy.replies": "the conditions of a measurement hold its own",
    "policy.response_length": "the conditions of a measurement hold its own",
    "policy.run_code": "it allows benchmarks, and changes none of their scores",
    "policy.sampling": "the conditions of a measurement hold its own",
    "policy.scoring": "it decides nothing for benchmarks that know one scoring",
    "policy.serve": "engines are compared by the conditions of the measurements",
    "policy.serve_candidate": "engines are compared by the conditions of the measurements",
    "policy.similarity": "it decides nothing for benchmarks that compare no replies",
    "policy.temperature": "the conditions of a measurement hold its own",
    "policy.template_arg": "the conditions of a measurement hold its own",
    "policy.think_end_token": "the conditions of a measurement hold its own",
    "reference.model": "a name; the fingerprint is what was measured",
    "recipes[].artifact.recipe": "a name; the fingerprint is what was measured",
    "recipes[].artifact.path": "where it lay; the fingerprint is what was measured",
    "checks[].nodeid": "the name of a test",
    "checks[].seconds": "a duration",
    "checks[].sources[].side": "of an artifact or of timings: both sides are in one document",
    "checks[].sources[].part": "whether a run stopped early is seen from the number of parts",
    "findings[]": "of a claim that was not tested there is no evidence",
    "origins[].first": "the same evidence may be made again on another day",
    "origins[].last": "the same evidence may be made again on another day",
    "record": "it names the record itself",
}
SHOWN = 5
LONGEST = 60
ABSENT = "absent"


def record_answer(report: Report, store: Store) -> Answer:
    """Compare the whole report with its record; without one, or if its record is gone, what no evidence proves is not checked."""
    if report.record is None:
        return Answer(WHAT, "missing", "the report names no record: it is older than records, or the name was removed")
    kept = store.as_it_lies(KIND, report.record) if KEY.fullmatch(report.record) else None
    if kept is None:
        return Answer(WHAT, "missing", f"{KIND}/{report.record} is not in the store {store.root}")
    if digest(kept) != report.record:
        return Answer(WHAT, "changed", f"{KIND}/{report.record} is not what the run wrote")
    found = changed(without_absent(report, recorded(report)), kept)
    if not found:
        return Answer(WHAT, "as_reported", "the report is what the run wrote")
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return Answer(WHAT, "differs", "; ".join(found[:SHOWN]) + more)


def changed(reported: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """Return one phrase per leaf that two documents do not share."""
    first, second = dict(leaves(reported)), dict(leaves(kept))
    paths = [path for path in dict.fromkeys((*first, *second)) if first.get(path, ABSENT) != second.get(path, ABSENT)]
    return [f"{path} is {_short(first.get(path, ABSENT))}, the run wrote {_short(second.get(path, ABSENT))}" for path in paths]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every number, text, truth value, null and empty container of a JSON value with its path, such as `checks[0].n`, as JSON-like text."""
    if isinstance(value, Mapping) and value:
        for name, field in value.items():
            yield from leaves(field, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for place, element in enumerate(value):
            yield from leaves(element, f"{path}[{place}]")
    else:
        yield path, repr(value)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
