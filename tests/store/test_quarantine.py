"""Damaged entries are moved and explained, and on a store that cannot be written they are left and still not used."""

import json
import os
from pathlib import Path

import pytest

from pytest_unicomp.store.local import Store


def damaged(folder, content='{"score": 1}'):
    store = Store(folder)
    store.notice = (lines := []).append
    store.write("measurements", "k", {"score": 0})
    (folder / "measurements" / "k.json").write_text(content)
    return store, lines


@pytest.mark.parametrize(("content", "why"), [('{"score": 1}', "no digest"), ('{"sco', "cannot be read as JSON"), ("[]", "no JSON object")])
def test_a_document_that_was_edited_counts_as_none_and_is_kept_to_be_looked_at(tmp_path, content, why):
    store, lines = damaged(tmp_path, content)
    assert store.read("measurements", "k") is None
    assert store.read("measurements", "k") is None
    assert len(lines) == 1, "named once"
    assert why in lines[0]
    (kept,) = (tmp_path / "quarantine").iterdir()
    assert (kept / "k.json").read_text() == content
    store.write("measurements", "k", {"score": 0})
    assert store.read("measurements", "k") == {"score": 0}


def test_an_edited_value_keeps_the_seal_and_is_found_all_the_same(tmp_path):
    store, lines = damaged(tmp_path)
    store.write("measurements", "k", {"score": 0})
    file = tmp_path / "measurements" / "k.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "score": 1}))
    assert store.read("measurements", "k") is None
    assert "its content differs from its digest" in lines[0]


def test_who_has_the_digest_of_a_document_may_read_it_as_it_lies(tmp_path):
    store, lines = damaged(tmp_path)
    assert store.as_it_lies("measurements", "k") == {"score": 1}
    assert store.as_it_lies("measurements", "none") is None
    assert lines == []


def test_where_nothing_can_be_moved_a_damaged_entry_stays_and_is_not_used(tmp_path, monkeypatch):
    store, lines = damaged(tmp_path)

    def refuse(*_, **__):
        raise PermissionError("read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert store.read("measurements", "k") is None
    assert "stays where it is" in lines[0]
    assert os.listdir(tmp_path / "measurements") == ["k.json"]
