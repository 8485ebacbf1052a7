"""Decides whether a reply follows each of its instructions, strictly (as it is) and loosely (also without its first or last line, or asterisks)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.benchmarks import nltk_data
from pytest_unicomp.benchmarks.performance.ifbench import counting, formats, tasks, words

VERIFIERS = {**counting.VERIFIERS, **words.VERIFIERS, **formats.VERIFIERS, **tasks.VERIFIERS}
NLTK = ("punkt_tab", "stopwords", "averaged_perceptron_tagger_eng")


def verdicts(document: Mapping[str, Any], reply: str, bundle: Path | None) -> tuple[list[bool], list[bool]]:
    """Return for each instruction of an IFBench row if it is followed, strictly and loosely.

    Raises InfrastructureError for an instruction without a verifier: the data are newer than this package.
    """
    with nltk_data.lent(NLTK, bundle):
        asked = list(zip(document["instruction_id_list"], document["kwargs"], strict=True))
        strict = [follows(name, given, [reply]) for name, given in asked]
        return strict, [follows(name, given, versions(reply)) for name, given in asked]


def versions(reply: str) -> list[str]:
    """Return the eight forms of a reply; by IFEval's loose rule one of them must follow the instruction."""
    lines = reply.split("\n")
    cut = [reply, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*cut, *(text.replace("*", "") for text in cut)]


def follows(instruction: str, arguments: Mapping[str, Any], replies: Sequence[str]) -> bool:
    """Return True if one of the replies that are not blank follows the instruction; raise InfrastructureError for an unknown instruction."""
    verifier = VERIFIERS.get(instruction)
    if verifier is None:
        raise InfrastructureError(
            f"unicomp: ifbench has no verifier for the instruction {instruction!r}; the data set is newer than this package."
        )
    given = {name: value for name, value in arguments.items() if value is not None}
    for reply in replies:
        try:
            if reply.strip() and verifier(reply, given):
                return True
        # The official verifiers raise on replies without a word, a sentence or a table; those follow no instruction.
        except (IndexError, ZeroDivisionError, csv.Error):
            continue
    return False
