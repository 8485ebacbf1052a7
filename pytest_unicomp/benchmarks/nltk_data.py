"""Lends nltk the data that a bundle carries (`<bundle>/nltk_data`) for the length of a block; nothing is downloaded if there is a bundle."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pytest_unicomp.api.errors import InfrastructureError, MissingPiece

# nltk's packages and their folders below nltk_data.
FOLDERS = {
    "punkt_tab": "tokenizers/punkt_tab",
    "stopwords": "corpora/stopwords",
    "averaged_perceptron_tagger_eng": "taggers/averaged_perceptron_tagger_eng",
}


def require(packages: Sequence[str], bundle: Path | None) -> None:
    """Raise MissingPiece if the bundle lacks a package of nltk's data; without a bundle nothing is checked."""
    for package in packages if bundle is not None else ():
        folder = Path(str(bundle)) / "nltk_data" / FOLDERS[package]
        if not folder.is_dir():
            raise MissingPiece(f"nltk's {package}", where=str(folder))


@contextmanager
def lent(packages: Sequence[str], bundle: Path | None) -> Iterator[None]:
    """Let nltk find its data, and language detection repeat itself, within the block; the previous settings are restored.

    Without a bundle nltk fetches what is missing; raises InfrastructureError if HF_HUB_OFFLINE forbids that.
    """
    import nltk
    from langdetect import DetectorFactory

    before, variable, seed = list(nltk.data.path), os.environ.get("NLTK_DATA"), DetectorFactory.seed
    # langdetect draws at random; with a fixed seed a reply always has the same verdict.
    DetectorFactory.seed = 0
    try:
        if bundle is not None:
            os.environ["NLTK_DATA"] = str(bundle.resolve() / "nltk_data")
            nltk.data.path[:] = [os.environ["NLTK_DATA"]]
        else:
            _fetch(packages)
        yield
    finally:
        nltk.data.path[:] = before
        DetectorFactory.seed = seed
        if variable is None:
            os.environ.pop("NLTK_DATA", None)
        else:
            os.environ["NLTK_DATA"] = variable


def _fetch(packages: Sequence[str]) -> None:
    import nltk

    for package in packages:
        try:
            nltk.data.find(FOLDERS[package])
        except LookupError:
            if os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true", "yes", "on") or not nltk.download(package, quiet=True):
                raise InfrastructureError(
                    f"unicomp: nltk's {package} is not on this machine and could not be fetched; give --unicomp-bundle, or set NLTK_DATA."
                ) from None
