"""Recomputes the table of a kernel from the stored timings."""

from __future__ import annotations

from pytest_unicomp.api.records import KernelReport, Report
from pytest_unicomp.cli.verify.answer import Answer
from pytest_unicomp.cli.verify.differences import differences
from pytest_unicomp.cli.verify.evidence import Evidence, Gone
from pytest_unicomp.engine.host.paired_timing import PairedRounds
from pytest_unicomp.run.checks import kernel_table


def table_answer(report: Report, table: KernelReport, evidence: Evidence) -> Answer:
    """Compare a table with the timings that the check of its kernel rests on."""
    what = f"the table of the kernel {table.format}"
    for check in report.checks:
        if check.benchmark != f"kernel-{table.format}" or not check.sources:
            continue
        try:
            kept = evidence.read(check.sources[0])
        except Gone as gone:
            return Answer(what, gone.state, gone.note)
        timed = KernelReport.model_validate(kept["kernel"])
        found = differences(table, kernel_table(timed, PairedRounds.from_document(kept["rounds"])))
        return Answer(what, "differs" if found else "as_reported", "; ".join(found) or "made again from its timings")
    return Answer(what, "missing", "the report names no timings for it")
