"""Withholds the pass of a capability, a recipe or the run if some of its planned checks did not run."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.records import CapabilityVerdict, LeftOut, Partial, RunVerdict, Verdict
from pytest_unicomp.compare import wording

SHOWN = 3
UNDECIDED, ERROR = 6, 7


def missing_of(partial: Partial | None, recipe: str) -> list[LeftOut]:
    """Return the planned tests of a recipe that have no answer."""
    return [left for left in partial.missing if left.recipe == recipe] if partial is not None else []


def named(left: LeftOut) -> str:
    """Return a test that was left out in words: "RECIPE on BENCHMARK (question)", or "RECIPE, CAPABILITY (capability)"."""
    what = f" on {left.benchmark}" if left.benchmark else f", {wording.spoken(left.capability)}"
    return f"{left.recipe}{what} ({left.question.replace('_', '-')})"


def counted(partial: Partial) -> str:
    """Return "partial: 1 of 17 checks"."""
    return f"partial: {partial.reached} of {wording.counted(partial.planned, 'check')}"


def listed(missing: Sequence[LeftOut]) -> str:
    """Return the first few of what was left out, and the number of the others."""
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return ", ".join(map(named, missing[:SHOWN])) + more


def of_run(answer: tuple[RunVerdict, int, str], partial: Partial | None) -> tuple[RunVerdict, int, str]:
    """Return the verdict, exit code and reason of a run that may be partial: never a pass; exit code 6 even if the policy only warns.

    If an error ended it, that is its verdict, unless something has failed already.
    """
    if partial is None:
        return answer
    verdict, code, reason = answer
    reason = f"{counted(partial)} ({partial.why}), left out: {listed(partial.missing)}; {reason}"
    if verdict in ("pass", "inconclusive"):
        verdict, code = ("error", ERROR) if partial.exit_code == ERROR else ("inconclusive", UNDECIDED)
    return verdict, code if partial.exit_code is None else partial.exit_code, reason


def of_recipe(verdict: Verdict, reason: str, missing: Sequence[LeftOut]) -> tuple[Verdict, str]:
    """Return the verdict and reason of a recipe of which some tests have no answer: never a pass."""
    if not missing or verdict != "pass":
        return verdict, reason
    return "inconclusive", f"partial, left out: {listed(missing)}; of what was asked: {reason}"


def of_capability(found: CapabilityVerdict, missing: Sequence[LeftOut]) -> CapabilityVerdict:
    """Return a capability's verdict: never a pass if its retention on a planned benchmark has no answer."""
    own = [left for left in missing if left.capability == found.capability and left.benchmark and left.question == "retention"]
    verdict, reason = of_recipe(found.verdict, found.reason, own)
    return found.model_copy(update={"verdict": verdict, "reason": reason}) if own else found
