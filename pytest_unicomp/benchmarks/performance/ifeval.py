"""IFEval: 541 prompts with instructions that a program can verify (Zhou et al., arXiv 2311.07911), by lm-eval's own verifiers.

A row: {"prompt": "Write a 300+ word summary ... Do not use any commas ...", "instruction_id_list": ["punctuation:no_comma", ...], "kwargs": [{}, ...]}.
An item is right if the reply as it is follows every instruction (strict). Prompts go through the chat template if the model has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation, Piece, Scored
from pytest_unicomp.benchmarks import nltk_data
from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine


LETTERS = "keywords:letter_frequency"


@dataclass(frozen=True, kw_only=True)
class InstructionTask(LmEvalTask):
    """An lm-eval task whose verifiers read data of nltk's from the bundle."""

    nltk: tuple[str, ...] = ("punkt_tab",)

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem if the data set, a library or data of nltk's is missing."""
        super().validate(evaluation)
        nltk_data.require(self.nltk, evaluation.bundle)

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Put the selected prompts to the model and verify its replies."""
        with nltk_data.lent(self.nltk, evaluation.bundle), any_character_counted():
            return super().score(engine, evaluation)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the data set and the packages of nltk's data."""
        return (*super().pieces(), *(Piece("nltk", package) for package in self.nltk))


@contextmanager
def any_character_counted() -> Iterator[None]:
    """Let lm-eval's verifier of letter frequencies count the character that a row names, whatever it is.

    Rows 1122 and 1129 ask for `#` and `!`. lm-eval draws a random letter in place of what is no letter, so that its verdict changes from run to run.
    """
    from lm_eval.tasks.ifeval.instructions import LetterFrequencyChecker
    from lm_eval.tasks.ifeval.instructions_registry import INSTRUCTION_DICT

    class CharacterFrequencyChecker(LetterFrequencyChecker):  # type: ignore[misc, unused-ignore]
        """Counts one character."""

        def build_description(self, *, letter: str | None = None, **settings: Any) -> str:
            """Build the description as lm-eval does, and keep a single character that it would replace."""
            description: str = super().build_description(letter=letter, **settings)
            if letter is not None and len(letter) == 1:
                self._letter = letter.lower()
            return description

    before = INSTRUCTION_DICT[LETTERS]
    INSTRUCTION_DICT[LETTERS] = CharacterFrequencyChecker
    try:
        yield
    finally:
        INSTRUCTION_DICT[LETTERS] = before


def verdicts(document: Mapping[str, Any], reply: str, bundle: Path | None) -> tuple[list[bool], list[bool]]:
    """Return for each instruction of an IFEval row if it is followed, strictly and loosely, by lm-eval's verifiers."""
    with nltk_data.lent(BENCHMARKS["ifeval"].nltk, bundle), any_character_counted():
        from lm_eval.tasks.ifeval.utils import process_results

        results = process_results(document, [reply])
    return list(results["inst_level_strict_acc"]), list(results["inst_level_loose_acc"])


BENCHMARKS = {
    "ifeval": InstructionTask(
        folder="ifeval",
        parts=(("ifeval", "default"),),
        dataset="google/IFEval",
        capability="instruction_following",
        metric="prompt_level_strict_acc",
        generates=True,
        chat=True,
        items=541,
        chance=0.0,
        requires=("langdetect", "immutabledict", "nltk"),
        install="lm-eval[ifeval]",
        source="lm-eval task ifeval; Zhou et al. 2023, arXiv 2311.07911",
    )
}
