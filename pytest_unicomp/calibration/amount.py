"""The amount of calibration text that a method sees, and its form: the same for every mixture unless the options differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_unicomp.api.errors import UsageProblem

Form = Literal["equal", "own"]
SAMPLES, TOKENS = 128, 2048
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

    @property
    def budget(self) -> int:
        """The tokens of all blocks together."""
        return self.samples * self.tokens


def resolve(samples: int | None, tokens: int | None, form: Form, *, model_name: str, context: int | None) -> Amount:
    """Return the amount with defaults filled in: 128 x 2048 tokens, or the model's context if that is shorter; 80 x 256 for nano.

    Raises UsageProblem if a text would be longer than the model's context, and if all texts together have fewer than 256 tokens.
    """
    small = model_name == "nano"
    if tokens is not None and context is not None and tokens > context:
        raise UsageProblem(
            f"unicomp: --unicomp-calibration-tokens={tokens} is longer than the context of {model_name}, {context} tokens; give at most that."
        )
    length = tokens or min(NANO_TOKENS if small else TOKENS, context or TOKENS)
    found = Amount(samples or (NANO_SAMPLES if small else SAMPLES), length, form)
    if found.budget < LEAST:
        raise UsageProblem(
            f"unicomp: {found.samples} x {found.tokens} tokens of calibration text were requested, expected at least {LEAST} in all; "
            "raise --unicomp-calibration-samples or --unicomp-calibration-tokens."
        )
    return found
