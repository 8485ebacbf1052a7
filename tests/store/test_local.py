"""The store shows only what is complete."""

import json
import multiprocessing
import os
import stat
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.store.local import MANIFEST, Store, digest, unusable, write_text

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.dictionaries(st.text(), scalars))
def test_equal_parts_have_one_digest_in_any_order(parts):
    assert digest(parts) == digest(dict(reversed(list(parts.items()))))


def test_different_parts_have_different_digests():
    assert digest({"a": 1}) != digest({"a": 2}) != digest({"a": "2"})


def test_a_folder_that_could_not_be_finished_leaves_nothing(tmp_path):
    store = Store(tmp_path)

    def breaks(folder):
        (folder / "half").write_text("x")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        store.make_folder("artifacts", "key", breaks)
    assert store.folder("artifacts", "key") is None
    assert list((tmp_path / "artifacts").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_others_may_read_a_finished_folder_as_far_as_they_may_read_its_files(tmp_path):
    for mask, folder_mode, file_mode in ((0o022, 0o755, 0o644), (0o077, 0o700, 0o600)):
        before = os.umask(mask)
        try:
            path, _ = Store(tmp_path).make_folder("artifacts", "key", lambda folder: {"n": (folder / "w").write_text("weights")})
        finally:
            os.umask(before)
        assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path / "w", path / MANIFEST)] == [folder_mode, file_mode, file_mode]


def test_a_folder_whose_file_was_cut_counts_as_none(tmp_path):
    store = Store(tmp_path)
    path, record = store.make_folder("artifacts", "key", lambda folder: {"n": (folder / "w").write_text("weights")})
    assert record == {"n": 7}
    assert store.folder("artifacts", "key") == (path, {"n": 7})
    (path / "w").write_text("w")
    assert store.folder("artifacts", "key") is None


def test_a_folder_without_its_manifest_counts_as_none(tmp_path):
    store = Store(tmp_path)
    path, _ = store.make_folder("artifacts", "key", lambda folder: {})
    (path / MANIFEST).unlink()
    assert store.folder("artifacts", "key") is None


def test_a_disk_that_refuses_is_an_infrastructure_error(tmp_path):
    def full(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(InfrastructureError, match="No space left"):
        Store(tmp_path).make_folder("artifacts", "key", full)


def test_a_damaged_document_counts_as_none(tmp_path):
    store = Store(tmp_path)
    store.write("measurements", "key", {"value": 1})
    assert store.read("measurements", "key") == {"value": 1}
    (tmp_path / "measurements" / "key.json").write_text('{"value": ')
    assert store.read("measurements", "key") is None


def _make_once(root, log):
    store = Store(root)
    with store.lock("artifacts", "key"):
        if store.folder("artifacts", "key") is None:
            with log.open("a") as file:
                file.write("made\n")
            time.sleep(0.2)
            store.make_folder("artifacts", "key", lambda folder: {})


def test_two_processes_make_a_folder_once(tmp_path):
    log = tmp_path / "log"
    log.touch()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_make_once, args=(tmp_path / "store", log)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert log.read_text() == "made\n"


def test_who_does_not_wait_is_told_that_the_lock_is_held(tmp_path):
    with Store(tmp_path).lock("measurements", "key") as first, Store(tmp_path).lock("measurements", "key", wait=False) as second:
        assert (first, second) == (True, False)


def test_a_failed_write_keeps_the_old_file(tmp_path):
    write_text(tmp_path / "a.json", json.dumps({"old": True}))
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.json", "\ud800")
    assert json.loads((tmp_path / "a.json").read_text()) == {"old": True}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_store_that_can_be_made_is_not_made_by_asking(tmp_path):
    assert unusable(tmp_path / "a" / "b") is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_under_a_file_and_one_that_refuses_are_no_stores(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    assert unusable(tmp_path / "file" / "store") == f"{tmp_path / 'file'} is a file"
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert unusable(tmp_path) == f"the folder {tmp_path} is not writable"


def test_what_a_killed_process_left_of_a_folder_goes_when_it_is_made_again(tmp_path):
    store, key = Store(tmp_path), "a" * 32
    left, other = tmp_path / "artifacts" / f".{key}.dead", tmp_path / "artifacts" / f".{'b' * 32}.alive"
    for folder in (left, other):
        folder.mkdir(parents=True)
        (folder / "part").write_text("half a checkpoint")
    with store.lock("artifacts", key):
        store.make_folder("artifacts", key, lambda folder: {})
    assert (left.exists(), other.exists()) == (False, True)
