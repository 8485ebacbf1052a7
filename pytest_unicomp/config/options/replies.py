"""Options for generated replies: sampling, parsing and judges."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.config import parsers
from pytest_unicomp.config.option import option


@dataclass(frozen=True)
class Replies:
    """Options for generated replies: sampling, parsing and judges."""

    scoring: str = option(
        "corrected",
        parsers.choice("corrected", "paper"),
        "how free replies are read and scores combined: corrected, or paper (as the paper does, its errors included)",
        shapes="measurement",
        keyed=False,
    )
    judge: str = option(
        "rules",
        parsers.text,
        "judge of free replies: rules (offline), classifier:MODEL (refusals) or server:URL",
        shapes="measurement",
        keyed=False,
    )
    similarity: str = option(
        "sentence-transformers/all-MiniLM-L6-v2",
        parsers.text,
        "sentence-embedding model that compares replies: hub id or folder",
        shapes="measurement",
        keyed=False,
    )
    response_length: int = option(
        128, parsers.whole(1), "largest number of tokens in a free reply (TrustLLM sets)", shapes="measurement", keyed=False
    )
    temperature: str = option(
        "0",
        parsers.temperature,
        "sampling temperature of free replies (TrustLLM sets): 0 is greedy; paper: 0 or 1, as TrustLLM sets it per file",
        shapes="measurement",
        keyed=False,
    )
    run_code: bool = option(
        False,
        parsers.switch,
        "run the code that models write, in a sandbox: needed by humaneval and mbpp; takes no value",
        switch=True,
        shapes="measurement",
        keyed=False,
    )
