"""The last lines of a run on a terminal: the verdict, the worst findings with their numbers, where the report is, and what to do next."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pytest_unicomp.api.records import Report
from pytest_unicomp.compare import partial
from pytest_unicomp.report import numbers, waiver_rows
from pytest_unicomp.report.visible import one_line
from pytest_unicomp.report.words import VERDICTS
from pytest_unicomp.report.worst import beyond_sentence, sentence, timings_line

SHOWN = 3
NEXT = {
    "pass": "before you publish: {publish}",
    "fail": "read the flipped items in {page}; then other settings, another recipe, or a waiver that somebody signs (docs/policy.md; -v lists the evidence that it names).",
    "inconclusive": "`unicomp plan {model}` says how many items would decide; more items: --limit all; a wider margin is policy (docs/thresholds.md).",
    "error": "mend the error, then give the same command again: what was measured is in the store (docs/troubleshooting.md).",
}
NEXT_IF_PARTIAL = "let everything run that was planned (docs/exit-codes.md): what was measured is in the store, and is not measured again."


PUBLISH = "`unicomp verify {json}`, and `unicomp report {json} -o card.md --model-card` for the model card."
PUBLISH_WITHOUT_REPORT = (
    "the same command with --unicomp-report=gate.json, which `unicomp verify` and the model card need: what was measured is in the store."
)


def verdict_lines(report: Report, *, exit_code: int, width: int, closing: Sequence[str] = (), paths: Sequence[str] = ()) -> list[str]:
    """Return the block as lines of at most `width` columns; `paths` are the reports that were written, `closing` what their writing printed."""
    partly = f", {partial.counted(report.partial)}" if report.partial else ""
    texts = [
        f"unicomp: {VERDICTS[report.verdict].upper()}{partly}{waiver_rows.verdict_clause(report)} (exit code {exit_code})",
        sentence(report),
    ]
    if report.partial is not None:
        texts.append(f"left out ({report.partial.why}): {partial.listed(report.partial.missing)}")
    found = beyond_sentence(report)
    texts += [
        f"- {one.recipe}{'' if one.gates else ' (informs only)'}: {VERDICTS[one.verdict].upper()}: {one.numbers}" for one in found[:SHOWN]
    ]
    texts += [f"- ... and {len(found) - SHOWN} more in the report"] if len(found) > SHOWN else []
    undecided = timings_line(report)
    texts += [undecided] if undecided else []
    texts += closing or ["report: none was asked for; --unicomp-report=gate.html writes one"]
    texts.append(f"next: {_next(report, paths)}")
    return [line for text in texts for line in _wrapped(text, width)]


def _next(report: Report, paths: Sequence[str]) -> str:
    """Return the line with the next command; no report is named that was not written."""
    json, html = (next((path for path in paths if path.endswith(suffix)), None) for suffix in (".json", ".html"))
    step = NEXT_IF_PARTIAL if report.partial and report.verdict == "inconclusive" else NEXT[report.verdict]
    flag = f"`unicomp report {json} -o gate.html`" if json else "--unicomp-report=gate.html"
    return step.format(
        publish=PUBLISH.format(json=json) if json else PUBLISH_WITHOUT_REPORT,
        page=html or f"the page that {flag} writes",
        model=report.reference.model if report.reference else "MODEL",
    )


def _wrapped(text: str, width: int) -> list[str]:
    # A path that is longer than a line stays whole, so that it can be copied.
    return textwrap.wrap(numbers.ascii_only(one_line(text)), width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
