"""Excuses checks by waivers: those that did not pass, on the evidence that the waiver names, until it expires; never an error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pytest_unicomp.api.records import Check, WaiverState
from pytest_unicomp.compare import Policy, pool
from pytest_unicomp.compare.hashes import of_checks
from pytest_unicomp.compare.replies import damage, not_limited
from pytest_unicomp.config.waivers import Waiver

State = Literal["applied", "expired", "other_evidence", "not_needed", "not_met"]


class Waiving:
    """The waivers of one run on one day."""

    def __init__(self, waivers: Sequence[Waiver], today: date, policy: Policy) -> None:
        """Store the arguments."""
        self._waivers, self._today, self._policy = waivers, today, policy

    def by_capability(self, check: Check) -> bool:
        """Return True if a waiver names the capability of the check as a whole, so that its siblings decide too."""
        return any(waiver.capability is not None and meant(waiver, [check]) for waiver in self._waivers)

    def excused(self, check: Check, siblings: Sequence[Check] = ()) -> Check:
        """Return the check, marked as waived if a waiver excuses it or the capability that it belongs to.

        `siblings` are the retention checks of that capability, this one among them, needed if `by_capability(check)`.
        """
        for waiver in self._waivers:
            if not meant(waiver, [check]):
                continue
            together = [check] if waiver.capability is None else siblings
            if self._state(waiver, together)[0] == "applied":
                return check.model_copy(update={"waived": True})
        return check

    def states(self, checks: Sequence[Check]) -> list[WaiverState]:
        """Return the state of each waiver in a run that made these checks."""
        return [record(waiver, self._state(waiver, meant(waiver, checks))) for waiver in self._waivers]

    def _state(self, waiver: Waiver, checks: Sequence[Check]) -> tuple[State, str]:
        return state(waiver, [check.model_copy(update={"waived": False}) for check in checks], policy=self._policy, today=self._today)


def meant(waiver: Waiver, checks: Sequence[Check]) -> list[Check]:
    """Return the checks that a waiver is about."""
    own = [check for check in checks if check.recipe == waiver.recipe and check.question == waiver.question and check.gates]
    if waiver.capability is not None:
        return [check for check in own if check.capability == waiver.capability]
    return [check for check in own if check.benchmark == waiver.benchmark]


def state(waiver: Waiver, checks: Sequence[Check], *, policy: Policy, today: date) -> tuple[State, str]:
    """Return the state of a waiver and the reason; `checks` are those that it names, before any is marked as waived."""
    if not checks:
        return "not_met", "this run has no gating check of that name"
    if not any(_stands_in_the_way(check, policy) for check in checks) and (
        waiver.benchmark or pool(checks, policy=policy).verdict == "pass"
    ):
        return "not_needed", "what it excuses passes; remove it"
    if today > waiver.expires:
        return "expired", f"expired on {waiver.expires}: it excuses nothing any more"
    if any(check.verdict in ("error", "not_comparable") for check in checks):
        return "not_needed", "nothing was measured that could be excused"
    evidence = checks[0].evidence if waiver.benchmark is not None else of_checks(checks)
    if evidence != waiver.evidence:
        return "other_evidence", f"it excuses the evidence {waiver.evidence}, and this run found {evidence or 'none'}"
    return "applied", f"accepted by {waiver.owner} until {waiver.expires}"


def _stands_in_the_way(check: Check, policy: Policy) -> bool:
    # A lost part or damaged replies behind a kept mean are a hidden danger, which fails the recipe.
    lost = check.worst_slice is not None and check.worst_slice.lost
    return check.verdict != "pass" or lost or bool(damage({check.benchmark: not_limited(check, policy)}, alpha=policy.alpha))


def with_waivers(reason: str, states: Sequence[WaiverState], strict: str) -> str:
    """Add to a run's reason how many waivers it rests on, and what the verdict would be without them."""
    applied = sum(found.state == "applied" for found in states)
    return f"{reason}; with {applied} waiver{'s' if applied > 1 else ''}, without: {strict}" if applied else reason


def record(waiver: Waiver, found: tuple[State, str]) -> WaiverState:
    """Return the report's record of a waiver in the state `found`."""
    return WaiverState(
        recipe=waiver.recipe,
        benchmark=waiver.benchmark,
        capability=waiver.capability,
        question=waiver.question,
        owner=waiver.owner,
        reason=waiver.reason,
        expires=waiver.expires.isoformat(),
        evidence=waiver.evidence,
        state=found[0],
        note=found[1],
    )
