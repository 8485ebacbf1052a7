"""The words and signs a verdict, an exit code, a capability and a question have in every report."""

from __future__ import annotations

from typing import Final

from pytest_unicomp.api.records import RecipeVerdict

VERDICTS: Final[dict[str, str]] = {
    "pass": "pass",
    "fail": "fail",
    "inconclusive": "inconclusive",
    "not_comparable": "not comparable",
    "error": "error",
}
# What a verdict means where the question is what other calibration text gains.
GAINS: Final[dict[str, str]] = {"pass": "gains", "fail": "costs", "inconclusive": "no difference shown"}
SYMBOLS: Final[dict[str, str]] = {"pass": "✓", "fail": "✗", "inconclusive": "?", "not_comparable": "‡", "error": "!"}
MEANINGS: Final[dict[str, str]] = {
    "pass": "Proven kept: the whole interval lies above the loss that policy accepts.",
    "fail": "Proven lost: the whole interval lies below the loss that policy accepts.",
    "inconclusive": "The data cannot decide: the interval contains the margin, or the reference itself is not above chance. Never green by accident.",
    "not_comparable": "The two measurements were not taken under equal conditions, so no difference between them means anything.",
    "error": "The compressed model could not be made, or could not be measured. Never counted as a loss, never as a pass.",
}
EXIT_CODES: Final[dict[int, str]] = {
    0: "nothing that gates failed",
    1: "a gated check or recipe failed",
    4: "the run was asked for something that does not exist",
    6: "nothing failed, but something that gates is undecided and policy refuses that",
    7: "something that gates could not be made or measured",
}
# The thirteen scores as their axes are called.
SCORES: Final[dict[str, str]] = {
    "S_K": "knowledge",
    "S_Mul": "multilingual",
    "S_R": "reasoning",
    "S_IF": "instructions",
    "S_TRU": "truthfulness",
    "S_SAFE": "safety",
    "S_FAIR": "fairness",
    "S_ROB": "robustness",
    "S_PRI": "privacy",
    "S_ETH": "ethics",
    "S_RA": "acceleration",
    "S_IE": "footprint",
    "S_CC": "compute cost",
}
# The sections of the page in their order, by the id of their heading.
SECTIONS: Final[dict[str, str]] = {
    "matrix": "Matrix",
    "waivers": "Waivers",
    "scores": "Scores",
    "differences": "Differences",
    "flips": "Flips",
    "behaviour": "Behind the means",
    "efficiency": "Size and latency",
    "kernels": "Kernels",
    "calibration": "Calibration",
    "findings": "Findings",
    "checks": "Every check",
    "machine": "Machine",
    "policy": "Policy",
    "repeat": "Repeat",
}
KINDS: Final[dict[str, str]] = {
    "lost": "right before, wrong now",
    "gained": "wrong before, right now",
    "changed": "wrong both times, another answer",
}


def title(name: str) -> str:
    """Return a name of the records as a reader wants it: `instruction_following` -> "instruction following"."""
    return name.replace("_", " ")


def exit_meaning(code: int) -> str:
    """Return what an exit code says, in a clause."""
    return EXIT_CODES.get(code, "pytest stopped for a reason of its own")


def moment(created: str) -> str:
    """Return an ISO 8601 time as a reader wants it: "2026-01-31 12:00:00 UTC"."""
    return created.replace("T", " ", 1).replace("+00:00", " UTC")


def no_score(recipe: RecipeVerdict, name: str) -> str:
    """Say why a recipe has no such score."""
    return "measured, without a ratio to the reference" if name in recipe.score_basis else "not measured"
