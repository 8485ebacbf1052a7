"""The amount of calibration text that a method sees, and its form: the same for every mixture unless the options differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_unicomp.api.errors import UsageProblem

Form = Literal["equal", "own"]
SAMPLES, TOKENS = 128, 2048
# What a method sees by default on a CPU: the first of these (texts, tokens of each) whose cost stays below the limit, or the last. A pass of
# calibration and one of propagation cost two operations per weight and token each. Measured with SmolLM2-135M and GPTQ on two cores:
# 128 x 2048 tokens (140 tera-operations) take over eight minutes, 64 x 512 (18) about one.
ON_A_CPU = ((SAMPLES, TOKENS), (128, 1024), (64, 1024), (64, 512), (32, 512))
OPERATIONS_ON_A_CPU = 20e12
OPERATIONS_PER_WEIGHT = 4
# The embedded model's conversations are short; this many tokens are some 760 of them.
NANO_SAMPLES, NANO_TOKENS = 80, 256
# Fewer tokens do not describe the inputs of a layer; methods refuse them too.
LEAST = 256


@dataclass(frozen=True)
class Amount:
    """`samples` texts of `tokens` tokens.

    `equal`: every mixture fills blocks of exactly `tokens` tokens, each one user turn in the model's chat template, so that mixtures differ
    in their words alone. `own`: `samples` texts as their source has them (documents plain, questions one by one in the chat template), cut at
    `tokens`; the paper's reasoning text is 510 of them at 1024 (arXiv 2602.09130, section 5.4).
    """

    samples: int
    tokens: int
    form: Form
    # In a phrase, why a default is smaller than the usual one; empty if none is.
    reason: str = ""

    @property
    def budget(self) -> int:
        """The tokens of all blocks together."""
        return self.samples * self.tokens


def resolve(
    samples: int | None,
    tokens: int | None,
    form: Form,
    *,
    model_name: str,
    context: int | None,
    parameters: int = 0,
    device: str = "cpu",
) -> Amount:
    """Return the amount with defaults filled in: 128 x 2048 tokens, or the model's context if that is shorter; 80 x 256 for nano.

    On a CPU, a model with many `parameters` gets less by default, and `reason` says so. Raises UsageProblem if a text would be longer than the
    model's context, and if all texts together have fewer than 256 tokens.
    """
    if tokens is not None and context is not None and tokens > context:
        raise UsageProblem(
            f"unicomp: --unicomp-calibration-tokens={tokens} is longer than the context of {model_name}, {context} tokens; give at most that."
        )
    usual = (samples or SAMPLES, tokens or min(TOKENS, context or TOKENS))
    if model_name == "nano":
        usual = chosen = (samples or NANO_SAMPLES, tokens or min(NANO_TOKENS, context or TOKENS))
    else:
        choices = [(samples or texts, tokens or min(length, context or length)) for texts, length in ON_A_CPU]
        cheap = (choice for choice in choices if _operations(choice, parameters) <= OPERATIONS_ON_A_CPU)
        chosen = next(cheap, choices[-1]) if device == "cpu" else usual
    reason = "" if chosen == usual else _reason(chosen, usual, parameters)
    found = Amount(*chosen, form, reason)
    if found.budget < LEAST:
        raise UsageProblem(
            f"unicomp: {found.samples} x {found.tokens} tokens of calibration text were requested, expected at least {LEAST} in all; "
            "raise --unicomp-calibration-samples or --unicomp-calibration-tokens."
        )
    return found


def _operations(choice: tuple[int, int], parameters: int) -> float:
    return float(OPERATIONS_PER_WEIGHT) * parameters * choice[0] * choice[1]


def _reason(chosen: tuple[int, int], usual: tuple[int, int], parameters: int) -> str:
    return (
        f"{chosen[0]} x {chosen[1]} tokens instead of {usual[0]} x {usual[1]}, because {parameters / 1e6:.0f} million weights are "
        "calibrated on a CPU"
    )
