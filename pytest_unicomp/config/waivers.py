"""Waivers: who accepts which failing check, why, until when, and on what evidence; `[[waivers]]` in the configuration file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.config.toml_lines import Key, Origin

QUESTIONS: Final = ("retention", "drift", "efficiency", "artifact", "must_pass")
REQUIRED: Final = ("recipe", "owner", "reason", "expires", "evidence")
KNOWN: Final = (*REQUIRED, "benchmark", "capability", "question")


@dataclass(frozen=True)
class Waiver:
    """One failing check (`benchmark` and `question`), or all retention checks of one `capability`, of a recipe; good through the day `expires`.

    `evidence` is the hash that the failing check printed: other evidence is not excused.
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
        """What it excuses, in words: "wanda-50 on nano-reasoning (retention)"."""
        return f"{self.recipe} on {self.benchmark} ({self.question})" if self.benchmark else f"{self.recipe}, capability {self.capability}"


def read(value: Any, origin: Origin) -> tuple[Waiver, ...]:
    """Read the list of tables `waivers`; raise UsageProblem with file and line for the first that is incomplete, misspelt or not understood."""
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise UsageProblem(f"unicomp: {origin.where('waivers')} is {value!r}; expected a list of tables, each under [[waivers]].")
    return tuple(_waiver(entry, origin, place) for place, entry in enumerate(value))


def _waiver(entry: Mapping[str, Any], origin: Origin, place: int) -> Waiver:
    def where(*keys: Key) -> str:
        return f"unicomp: {origin.where('waivers', place, *keys)}"

    for key in entry:
        if key not in KNOWN:
            raise UsageProblem(f"{where(key)}: a waiver has no such key.{nearest(key, KNOWN)}")
    for key in REQUIRED:
        if key not in entry:
            raise UsageProblem(f"{where(key)} is missing; a waiver needs {', '.join(REQUIRED)}, and a benchmark or a capability.")
    for key, text in entry.items():
        if key != "expires" and not (isinstance(text, str) and text.strip()):
            raise UsageProblem(f"{where(key)} is {text!r}; expected a text that is not empty.")
    if ("benchmark" in entry) == ("capability" in entry):
        raise UsageProblem(
            f"{where()}: expected either a benchmark or a capability, found {'both' if 'benchmark' in entry else 'neither'}."
        )
    if "capability" in entry and entry.get("question", "retention") != "retention":
        raise UsageProblem(f"{where('question')} is {entry['question']!r}; a capability is a question of retention, leave it out.")
    question = str(entry.get("question", "retention"))
    if question not in QUESTIONS:
        raise UsageProblem(f"{where('question')} is {question!r}; expected one of {', '.join(QUESTIONS)}.{nearest(question, QUESTIONS)}")
    if not re.fullmatch(r"[0-9a-f]{16}", entry["evidence"]):
        raise UsageProblem(
            f"{where('evidence')} is {entry['evidence']!r}; expected the 16 hex digits that the failing check printed as its evidence."
        )
    return Waiver(
        recipe=entry["recipe"],
        owner=entry["owner"],
        reason=entry["reason"],
        expires=_day(entry["expires"], where("expires")),
        evidence=entry["evidence"],
        benchmark=entry.get("benchmark"),
        capability=entry.get("capability"),
        question=question,
    )


def _day(value: Any, where: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise UsageProblem(f"{where} is {str(value)!r}; expected a day such as 2026-12-31.") from None
