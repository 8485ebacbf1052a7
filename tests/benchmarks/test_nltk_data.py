"""nltk reads the bundle's data within a block only, and nothing is downloaded beside a bundle."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import InfrastructureError, MissingPiece
from pytest_unicomp.benchmarks import nltk_data


def test_nltk_reads_the_bundle_within_the_block_only(hub: Path, tmp_path: Path, offline: None) -> None:
    import nltk

    before = list(nltk.data.path)
    with nltk_data.lent(("punkt_tab",), hub):
        assert nltk.word_tokenize("No. Yes!") == ["No", ".", "Yes", "!"]
        assert os.environ["NLTK_DATA"] == str(hub.resolve() / "nltk_data")
    assert nltk.data.path == before
    assert os.environ.get("NLTK_DATA") != str(hub.resolve() / "nltk_data")


def test_without_bundle_and_network_missing_nltk_data_is_an_error_and_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, offline: None
) -> None:
    import nltk

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InfrastructureError, match="nltk's punkt_tab is not on this machine"), nltk_data.lent(("punkt_tab",), None):
        pass


def test_a_missing_package_is_named_with_its_place_and_without_a_bundle_nothing_is_checked(tmp_path: Path) -> None:
    with pytest.raises(MissingPiece, match=r"lacks nltk's punkt_tab; expected it at .*tokenizers/punkt_tab"):
        nltk_data.require(("punkt_tab",), tmp_path)
    nltk_data.require(("punkt_tab",), None)
