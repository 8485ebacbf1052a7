"""Instruction text: dialogues of UltraChat, as in llm-compressor's own examples."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pytest_unicomp.api.benchmark import Piece
from pytest_unicomp.calibration.dataset_split import DatasetSplit, require_any
from pytest_unicomp.calibration.protocol import Documents, Request

ULTRACHAT = DatasetSplit("HuggingFaceH4/ultrachat_200k", "data", split="train_sft")
READ = 10_000


@dataclass(frozen=True)
class Instruction:
    """Dialogues in an order drawn by seed from the first 10,000 of `HuggingFaceH4/ultrachat_200k`, split train_sft."""

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem if the bundle lacks UltraChat."""
        if bundle is not None:
            require_any("instruction", bundle, (ULTRACHAT,))

    def repositories(self) -> tuple[str, ...]:
        """Return the data sets of the hub that are read if there is no bundle."""
        return (ULTRACHAT.repository,)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the piece that an offline bundle must hold: UltraChat's training split."""
        return (Piece("dataset", ULTRACHAT.repository, ("README.md", "data/train_sft-*")),)

    def documents(self, request: Request) -> Documents:
        """Return the dialogues."""
        rows = list(islice(DatasetSplit(ULTRACHAT.repository, split=ULTRACHAT.split).rows(request.bundle), READ))
        random.Random(request.seed).shuffle(rows)
        return Documents(tuple(row["messages"]) for row in rows)


MIXTURES = {"instruction": Instruction()}
