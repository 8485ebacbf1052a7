"""Instruction text: dialogues of UltraChat, as in llm-compressor's own examples."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pytest_unicomp.calibration.mixture_protocol import Documents, Request
from pytest_unicomp.calibration.rows import Source, require

ULTRACHAT = Source("HuggingFaceH4/ultrachat_200k", "data", split="train_sft")
READ = 10_000


@dataclass(frozen=True)
class Instruction:
    """Dialogues in an order drawn by seed from the first 10,000 of `HuggingFaceH4/ultrachat_200k`, split train_sft."""

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem where the bundle lacks UltraChat."""
        if bundle is not None:
            require("instruction", bundle, (ULTRACHAT,))

    def documents(self, request: Request) -> Documents:
        """Return the dialogues."""
        rows = list(islice(Source(ULTRACHAT.repository, split=ULTRACHAT.split).rows(request.bundle), READ))
        random.Random(request.seed).shuffle(rows)
        return Documents(tuple(row["messages"]) for row in rows)


MIXTURES = {"instruction": Instruction()}
