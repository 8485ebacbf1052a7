"""Multilingual text: C4 documents in the languages of Global-MMLU-Lite, English left out."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pytest_unicomp.api.benchmark import Piece
from pytest_unicomp.calibration.chat_text import round_robin
from pytest_unicomp.calibration.dataset_split import DatasetSplit, require_any
from pytest_unicomp.calibration.protocol import Documents, Request, Text

LANGUAGES = ("ar", "bn", "de", "es", "fr", "hi", "id", "it", "ja", "ko", "pt", "sw", "yo", "zh")
C4_FOLDER = DatasetSplit("allenai/c4", "multilingual")
MGSM_LANGUAGES = ("bn", "de", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")
MGSM = tuple(DatasetSplit("juletxara/mgsm", language) for language in MGSM_LANGUAGES)
READ = 2_000


@dataclass(frozen=True)
class Multilingual:
    """The same number of documents per language from C4's multilingual part (mC4).

    A bundle without it yields the few-shot examples of MGSM's train split (eight per language); the report notes the substitution.
    """

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem if the bundle holds neither multilingual C4 nor MGSM."""
        if bundle is not None:
            require_any("multilingual", bundle, (C4_FOLDER, *MGSM))

    def repositories(self) -> tuple[str, ...]:
        """Return the data sets of the hub that are read if there is no bundle."""
        return (C4_FOLDER.repository,)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the piece that an offline bundle must hold: MGSM, because C4's shards of all languages are too large for most bundles."""
        return (Piece("dataset", MGSM[0].repository),)

    def stand_ins(self) -> tuple[str, ...]:
        """Return the hub id of the data set that a bundle may hold in place of multilingual C4."""
        return (MGSM[0].repository,)

    def documents(self, request: Request) -> Documents:
        """Return the documents, language by language in turn."""
        bundle = request.bundle
        if bundle is None or C4_FOLDER.present(bundle):
            return Documents(round_robin([_pages(DatasetSplit("allenai/c4", language), request) for language in LANGUAGES]))
        columns = [_worked(source, request) for source in MGSM if source.present(bundle)]
        return Documents(round_robin(columns), remark="from juletxara/mgsm train in place of C4")


def _pages(source: DatasetSplit, request: Request) -> list[Text]:
    texts: list[Text] = [row["text"] for row in islice(source.rows(request.bundle), READ)]
    random.Random(request.seed).shuffle(texts)
    return texts


def _worked(source: DatasetSplit, request: Request) -> list[Text]:
    rows = list(source.rows(request.bundle))
    random.Random(request.seed).shuffle(rows)
    return [({"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}) for row in rows]


MIXTURES = {"multilingual": Multilingual()}
