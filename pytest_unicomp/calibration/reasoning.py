"""Reasoning text: questions of ARC-Easy, GSM8K and MATH as one user turn, the paper's task-specific calibration (arXiv 2602.09130, 5.4)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from pytest_unicomp.api.benchmark import Piece
from pytest_unicomp.calibration.chat_text import round_robin
from pytest_unicomp.calibration.dataset_split import DatasetSplit, require_any
from pytest_unicomp.calibration.protocol import Documents, Request, Text

SUBJECTS = ("algebra", "counting_and_probability", "geometry", "intermediate_algebra", "number_theory", "prealgebra", "precalculus")
PARTS: dict[str, tuple[DatasetSplit, ...]] = {
    "ARC-Easy": (DatasetSplit("allenai/ai2_arc", "ARC-Easy"),),
    "GSM8K": (DatasetSplit("openai/gsm8k", "main"),),
    "MATH": tuple(DatasetSplit("EleutherAI/hendrycks_math", subject) for subject in SUBJECTS),
}


@dataclass(frozen=True)
class Reasoning:
    """Train questions of the three sets in equal parts, without answers, each one user turn.

    A bundle that holds only some of the sets gives equal parts of those, and the report names what was missing.
    """

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem if the bundle holds none of the three sets."""
        if bundle is not None:
            require_any("reasoning", bundle, tuple(source for sources in PARTS.values() for source in sources[:1]))

    def repositories(self) -> tuple[str, ...]:
        """Return the data sets of the hub that are read if there is no bundle."""
        return tuple(source.repository for sources in PARTS.values() for source in sources[:1])

    def pieces(self) -> tuple[Piece, ...]:
        """Return the pieces that an offline bundle must hold: the three data sets."""
        return tuple(Piece("dataset", name) for name in self.repositories())

    def documents(self, request: Request) -> Documents:
        """Return the questions, one of each set in turn."""
        bundle = request.bundle
        present = {name: sources for name, sources in PARTS.items() if bundle is None or all(source.present(bundle) for source in sources)}
        columns = [_questions(sources, request) for sources in present.values()]
        missing = [name for name in PARTS if name not in present]
        return Documents(round_robin(columns), remark=f"without {', '.join(missing)}, which the bundle lacks" if missing else "")


def _questions(sources: tuple[DatasetSplit, ...], request: Request) -> list[Text]:
    rows = [row for source in sources for row in source.rows(request.bundle)]
    random.Random(request.seed).shuffle(rows)
    return [({"role": "user", "content": str(row.get("question") or row["problem"])},) for row in rows]


MIXTURES = {"reasoning": Reasoning()}
