"""Generic web text: windows of long English C4 documents, as the reference code of Wanda and SparseGPT draws them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pytest_unicomp.api.benchmark import Piece
from pytest_unicomp.calibration.dataset_split import DatasetSplit, require_any
from pytest_unicomp.calibration.protocol import Documents, Request

C4 = DatasetSplit("allenai/c4", file="en/c4-train.00000-of-01024.json.gz")
STAND_IN = DatasetSplit("Salesforce/wikitext", "wikitext-2-v1", split="validation")
READ = 50_000


@dataclass(frozen=True)
class Generic:
    """Random windows of `tokens` tokens of C4 documents longer than that (locuslab/wanda, lib/data.py: first shard of the train split).

    A bundle with WikiText-2 and without C4 yields windows of WikiText-2's validation split; the report notes the substitution.
    """

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem if the bundle holds neither C4's first shard nor WikiText-2."""
        if bundle is not None:
            require_any("generic", bundle, (C4, STAND_IN))

    def repositories(self) -> tuple[str, ...]:
        """Return the data sets of the hub that are read if there is no bundle."""
        return (C4.repository,)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the piece that an offline bundle must hold: C4's first shard."""
        return (Piece("dataset", C4.repository, (str(C4.file),)),)

    def stand_ins(self) -> tuple[str, ...]:
        """Return the hub id of the data set that a bundle may hold in place of C4."""
        return (STAND_IN.repository,)

    def documents(self, request: Request) -> Documents:
        """Return windows of exactly `tokens` tokens, one per document of C4 (without end, from the joined text, for the stand-in)."""
        draw = random.Random(request.seed)
        if request.bundle is None or C4.present(request.bundle):
            return Documents(_of_documents(request, draw))
        joined = "\n".join(row["text"] for row in STAND_IN.rows(request.bundle))
        return Documents(_windows(request, joined, draw), remark=f"from {STAND_IN} validation in place of C4")


def _of_documents(request: Request, draw: random.Random) -> Iterator[str]:
    texts = [row["text"] for row in islice(C4.rows(request.bundle), READ)]
    draw.shuffle(texts)
    for text in texts:
        # A token is seldom shorter than two characters: the cheap test spares tokenizing the many short documents.
        if len(text) >= 2 * request.tokens:
            yield from islice(_windows(request, text, draw), 1)


def _windows(request: Request, text: str, draw: random.Random) -> Iterator[str]:
    """Yield without end random stretches of `text` that are `tokens` tokens long; none if it is shorter than that."""
    encoded = request.tokenizer(text, return_offsets_mapping=True, add_special_tokens=False, verbose=False)
    offsets: list[tuple[int, int]] = encoded["offset_mapping"]
    while len(offsets) > request.tokens:
        first = draw.randrange(len(offsets) - request.tokens)
        yield text[offsets[first][0] : offsets[first + request.tokens - 1][1]]


MIXTURES = {"generic": Generic()}
