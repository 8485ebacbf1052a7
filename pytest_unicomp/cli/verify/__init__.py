"""`unicomp verify`: recomputes every check of a report from the per-item evidence in the store, and lists the differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Report
from pytest_unicomp.cli.verify.answer import Answer
from pytest_unicomp.cli.verify.checks import Repetition
from pytest_unicomp.cli.verify.conclusions import Conclusions
from pytest_unicomp.cli.verify.evidence import Evidence
from pytest_unicomp.cli.verify.kernels import table_answer
from pytest_unicomp.cli.verify.older import age_lines
from pytest_unicomp.cli.verify.planned import plan_answer
from pytest_unicomp.cli.verify.record import record_answer
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.store.local import Store

__all__ = ["Answer", "age_lines", "exit_code", "lines", "rows", "signature_lines", "verify"]


def verify(report: Report, store: Store) -> list[Answer]:
    """Return one answer per check, table of a kernel and recipe, and one each for the plan, findings, origins, the run and its record.

    A check that was an error has no evidence and is not checked.

    The policy is the report's own: if a margin was changed there, the verdicts that follow from it differ from those in the report.
    """
    try:
        policy = _policy(report)
    except UnicompError as error:
        return [Answer("the policy", "differs", error.detail)]
    checker = Checker(policy, report.policy.get("limits") or {}, report.policy.get("must_pass") or {})
    evidence = Evidence(store)
    answers = _of_checks(report, checker, evidence)
    answers += [table_answer(report, table, evidence) for table in report.kernels]
    return [*answers, plan_answer(report), *Conclusions(report, policy, evidence).answers(), record_answer(report, store)]


def _of_checks(report: Report, checker: Checker, evidence: Evidence) -> list[Answer]:
    """Return one answer per check; equal checks are recomputed once."""
    known: dict[str, Answer] = {}
    found = []
    for check in report.checks:
        key = check.model_copy(update={"nodeid": "", "seconds": 0.0}).model_dump_json()
        if key not in known:
            known[key] = Repetition(report, check, checker, evidence).answer()
        found.append(known[key])
    return found


def exit_code(answers: Sequence[Answer]) -> int:
    """Return 1 if a part contradicts its evidence, 7 if evidence is missing (or nothing could be checked), 6 if a part could not be checked, else 0."""
    states = [answer.state for answer in answers]
    if "differs" in states or "changed" in states:
        return 1
    if "missing" in states or "as_reported" not in states:
        return 7
    return 6 if "not_checked" in states else 0


def rows(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return the answers as plain objects."""
    return [asdict(answer) for answer in answers]


def lines(answers: Sequence[Answer], store: Store) -> list[str]:
    """Return the lines to print: one per part that differs from the report, then the count of parts that agree."""
    shown = [_objection(answer) for answer in answers if answer.state != "as_reported"]
    kept = len(answers) - len(shown)
    return [*shown, f"unicomp: {kept} of {len(answers)} parts of the report follow from the evidence in {store.root}"]


def signature_lines(signed: Sequence[Answer], signature: Path) -> list[str]:
    """Return the line on the report's signature; `signed` is empty without --allowed-signers, and then an existing signature is reported as unchecked."""
    if not signed and signature.exists():
        return [f"unicomp: {signature} was not checked; --allowed-signers names who may sign"]
    return [f"unicomp: {answer.note}" if answer.state == "as_reported" else _objection(answer) for answer in signed]


def _objection(answer: Answer) -> str:
    return f"{answer.state.upper().replace('_', ' ')}: {answer.what}: {answer.note}"


def _policy(report: Report) -> compare.Policy:
    given = report.policy
    try:
        return compare.Policy(
            alpha=given["alpha"],
            capability_margin=given["margin"],
            benchmark_margin=given["benchmark_margin"],
            drift_margin=given["drift_margin"],
            inconclusive=given["inconclusive"],
            margins=given.get("margins") or {},
            reply_limits=given.get("reply_limits") or {},
        )
    except (KeyError, TypeError) as error:
        raise UnicompError(f"unicomp: the report's policy cannot be read: {error!r}") from error
