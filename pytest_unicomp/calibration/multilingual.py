"""Multilingual text: C4 documents in the languages of Global-MMLU-Lite, English left out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pytest_unicomp.calibration.request import Documents, Request, chat
from pytest_unicomp.calibration.source import Source, require

LANGUAGES = ("ar", "bn", "de", "es", "fr", "hi", "id", "it", "ja", "ko", "pt", "sw", "yo", "zh")
C4_FOLDER = Source("allenai/c4", "multilingual")
MGSM_LANGUAGES = ("bn", "de", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")
MGSM = tuple(Source("juletxara/mgsm", language) for language in MGSM_LANGUAGES)
READ = 2_000


@dataclass(frozen=True)
class Multilingual:
    """The same number of documents per language from C4's multilingual part (mC4).

    A bundle without it gives the worked examples of MGSM's train split instead (eight per language), and the report says so.
    """

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem where the bundle holds neither multilingual C4 nor MGSM."""
        if bundle is not None:
            require("multilingual", bundle, (C4_FOLDER, *MGSM))

    def documents(self, request: Request) -> Documents:
        """Return the documents, language by language in turn."""
        bundle = request.bundle
        if bundle is None or C4_FOLDER.present(bundle):
            each = -(-request.count // len(LANGUAGES))
            columns = [_longest(Source("allenai/c4", language), each, request) for language in LANGUAGES]
            return Documents(_in_turn(columns)[: request.count])
        present = [source for source in MGSM if source.present(bundle)]
        each = -(-request.count // len(present))
        columns = [[_worked(request, row) for row in source.sample(each, seed=request.seed, bundle=bundle)] for source in present]
        return Documents(_in_turn(columns)[: request.count], remark="from juletxara/mgsm train in place of C4")


def _longest(source: Source, count: int, request: Request) -> list[str]:
    texts = [row["text"] for row in islice(source.rows(request.bundle), READ)]
    return sorted(texts, key=len, reverse=True)[:count]


def _worked(request: Request, row: dict[str, str]) -> str:
    turns = [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]
    return chat(request.tokenizer, turns)


def _in_turn(columns: list[list[str]]) -> tuple[str, ...]:
    longest = max((len(column) for column in columns), default=0)
    return tuple(column[row] for row in range(longest) for column in columns if row < len(column))


MIXTURES = {"multilingual": Multilingual()}
