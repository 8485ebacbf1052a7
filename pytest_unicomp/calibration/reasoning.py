"""Reasoning text: questions of ARC-Easy, GSM8K and MATH as one user turn, the paper's task-specific calibration (arXiv 2602.09130, 5.4)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from pytest_unicomp.calibration.mixture_protocol import Documents, Request, Text, in_turn
from pytest_unicomp.calibration.rows import Source, require

SUBJECTS = ("algebra", "counting_and_probability", "geometry", "intermediate_algebra", "number_theory", "prealgebra", "precalculus")
PARTS: dict[str, tuple[Source, ...]] = {
    "ARC-Easy": (Source("allenai/ai2_arc", "ARC-Easy"),),
    "GSM8K": (Source("openai/gsm8k", "main"),),
    "MATH": tuple(Source("EleutherAI/hendrycks_math", subject) for subject in SUBJECTS),
}


@dataclass(frozen=True)
class Reasoning:
    """Train questions of the three sets in equal parts, without answers, each one user turn.

    A bundle that holds only some of the sets gives equal parts of those, and the report names what was missing.
    """

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem where the bundle holds none of the three sets."""
        if bundle is not None:
            require("reasoning", bundle, tuple(source for sources in PARTS.values() for source in sources[:1]))

    def documents(self, request: Request) -> Documents:
        """Return the questions, one of each set in turn."""
        bundle = request.bundle
        present = {name: sources for name, sources in PARTS.items() if bundle is None or all(source.present(bundle) for source in sources)}
        columns = [_questions(sources, request) for sources in present.values()]
        missing = [name for name in PARTS if name not in present]
        return Documents(in_turn(columns), remark=f"without {', '.join(missing)}, which the bundle lacks" if missing else "")


def _questions(sources: tuple[Source, ...], request: Request) -> list[Text]:
    rows = [row for source in sources for row in source.rows(request.bundle)]
    random.Random(request.seed).shuffle(rows)
    return [({"role": "user", "content": str(row.get("question") or row["problem"])},) for row in rows]


MIXTURES = {"reasoning": Reasoning()}
