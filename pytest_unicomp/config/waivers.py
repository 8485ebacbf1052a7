"""Waivers, `[[waivers]]` in the configuration file: who accepts which failing check, why, until when, and on what evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.config.toml_lines import Key, TomlLocations

QUESTIONS: Final = ("retention", "drift", "efficiency", "artifact", "must_pass", "reply_limits")
REQUIRED: Final = ("recipe", "owner", "reason", "expires", "evidence")
# An accepted failure is looked at again at least once a year.
LONGEST: Final = timedelta(days=366)
KNOWN: Final = (*REQUIRED, "benchmark", "capability", "question")


@dataclass(frozen=True)
class Waiver:
    """An accepted failure of a recipe: one check (`benchmark` and `question`), or all retention checks of a `capability`; valid through `expires`.

    `evidence` is the hash that the failing check printed: a check with other evidence is not waived.
    """

    recipe: str
    owner: str
    reason: str
    expires: date
    evidence: str
    benchmark: str | None = None
    capability: str | None = None
    question: str = "retention"

    @property
    def about(self) -> str:
        """Return a description of the waived check, such as "wanda-50 on nano-reasoning (retention)"."""
        return f"{self.recipe} on {self.benchmark} ({self.question})" if self.benchmark else f"{self.recipe}, capability {self.capability}"


def read(value: Any, locations: TomlLocations) -> tuple[Waiver, ...]:
    """Read the list of tables `waivers`; raise UsageProblem, with file and line, for the first that is incomplete, misspelt or malformed."""
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise UsageProblem(f"unicomp: {locations.location('waivers')} is {value!r}; expected a list of tables, each under [[waivers]].")
    return tuple(_waiver(entry, locations, position) for position, entry in enumerate(value))


def _waiver(entry: Mapping[str, Any], locations: TomlLocations, position: int) -> Waiver:
    def problem_at(*keys: Key) -> str:
        return f"unicomp: {locations.location('waivers', position, *keys)}"

    for key in entry:
        if key not in KNOWN:
            raise UsageProblem(f"{problem_at(key)}: a waiver has no such key.{nearest(key, KNOWN)}")
    for key in REQUIRED:
        if key not in entry:
            raise UsageProblem(f"{problem_at(key)} is missing; a waiver needs {', '.join(REQUIRED)}, and a benchmark or a capability.")
    for key, text in entry.items():
        if key != "expires" and not (isinstance(text, str) and text.strip()):
            raise UsageProblem(f"{problem_at(key)} is {text!r}; expected a text that is not empty.")
    if ("benchmark" in entry) == ("capability" in entry):
        raise UsageProblem(
            f"{problem_at()}: expected either a benchmark or a capability, found {'both' if 'benchmark' in entry else 'neither'}."
        )
    if "capability" in entry and entry.get("question", "retention") != "retention":
        raise UsageProblem(f"{problem_at('question')} is {entry['question']!r}; expected retention for a capability; leave the key out.")
    question = str(entry.get("question", "retention"))
    if question not in QUESTIONS:
        raise UsageProblem(
            f"{problem_at('question')} is {question!r}; expected one of {', '.join(QUESTIONS)}.{nearest(question, QUESTIONS)}"
        )
    if not re.fullmatch(r"[0-9a-f]{16}", entry["evidence"]):
        raise UsageProblem(
            f"{problem_at('evidence')} is {entry['evidence']!r}; expected the 16 hex digits that the failing check printed as its evidence."
        )
    return Waiver(
        recipe=entry["recipe"],
        owner=entry["owner"],
        reason=entry["reason"],
        expires=_day(entry["expires"], problem_at("expires")),
        evidence=entry["evidence"],
        benchmark=entry.get("benchmark"),
        capability=entry.get("capability"),
        question=question,
    )


def _day(value: Any, problem: str) -> date:
    try:
        day = value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise UsageProblem(f"{problem} is {str(value)!r}; expected a day such as 2026-12-31.") from None
    latest = datetime.now(UTC).date() + LONGEST
    if day > latest:
        raise UsageProblem(
            f"{problem} is {day}; expected a day within {LONGEST.days} days, so at the latest {latest}: "
            "what is accepted for longer belongs into the margins."
        )
    return day
