"""Display texts shared by the reports: verdicts, exit codes, scores, sections and kinds of flips."""

from __future__ import annotations

from typing import Final

from pytest_unicomp.api.records import RecipeVerdict, Unchanged

VERDICTS: Final[dict[str, str]] = {
    "pass": "pass",
    "fail": "fail",
    "inconclusive": "inconclusive",
    "not_comparable": "not comparable",
    "error": "error",
}
# The verdicts of a calibration check, which asks whether other calibration text helps.
GAINS: Final[dict[str, str]] = {"pass": "gains", "fail": "costs", "inconclusive": "no difference shown"}
SYMBOLS: Final[dict[str, str]] = {"pass": "✓", "fail": "✗", "inconclusive": "?", "not_comparable": "‡", "error": "!"}
MEANINGS: Final[dict[str, str]] = {
    "pass": "Kept: the whole interval lies above the loss that the policy accepts.",
    "fail": "Lost: the whole interval lies below the loss that the policy accepts.",
    "inconclusive": "Not decided: the interval contains the accepted loss, or the reference itself is not above chance. Never counts as a pass.",
    "not_comparable": "The two measurements were made under different conditions, so their difference has no meaning.",
    "error": "The compressed model could not be made or measured. Counts neither as a loss nor as a pass.",
}
EXIT_CODES: Final[dict[int, str]] = {
    0: "no gating check failed",
    1: "a gating check or recipe failed",
    2: "the run was interrupted",
    4: "the command named something that does not exist",
    5: "no test was selected",
    6: "nothing failed, but a gating recipe is undecided, which the policy does not accept, or something planned was not asked",
    7: "a gating recipe could not be made or measured",
}
# A gain in probability below this is not worth a sentence.
SMALLEST_GAIN: Final = 0.005
# The names of the thirteen scores' axes.
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
    "losses": "Where a loss lies",
    "rankings": "Recipe against recipe",
    "flips": "Flips",
    "behaviour": "Behind the means",
    "replies": "Replies",
    "distributions": "Distributions and certainty",
    "efficiency": "Size and latency",
    "kernels": "Kernels",
    "calibration": "Calibration",
    "findings": "Findings",
    "checks": "Every check",
    "machine": "Machine",
    "policy": "Policy",
    "repeat": "Repeat",
}
LOSS_UNITS: Final[dict[str, str]] = {
    "lead": "the lead of the reference’s choice over the best other option, in nats",
    "reply": "the log-likelihood of the reference’s own reply, in nats per token",
    "text": "the log-likelihood of the text, in nats per token",
}
KINDS: Final[dict[str, str]] = {
    "lost": "right before, wrong now",
    "gained": "wrong before, right now",
    "changed": "wrong before and now, with another answer",
}


def exit_meaning(code: int) -> str:
    """Return the meaning of an exit code as a clause."""
    return EXIT_CODES.get(code, "pytest stopped for another reason")


def moment(created: str) -> str:
    """Return an ISO 8601 time in readable form: "2026-01-31 12:00:00 UTC"."""
    return created.replace("T", " ", 1).replace("+00:00", " UTC")


def no_score(recipe: RecipeVerdict, name: str) -> str:
    """Return why a recipe lacks a score."""
    return "measured, without a ratio to the reference" if name in recipe.score_basis else "not measured"


def unchanged(found: Unchanged) -> str:
    """Return how likely a model without any loss would pass the whole gate, and what would help, as one sentence without a full stop."""
    text = f"a model without any loss would pass this whole gate with probability {found.passes:.2f}"
    if found.raised_to - found.passes < SMALLEST_GAIN:
        return text
    return f"{text}; twice the items of {found.raised_by} would raise it most, to {found.raised_to:.2f}"
