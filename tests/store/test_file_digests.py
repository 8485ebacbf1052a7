"""A file is hashed once, and again whenever it was written since, whatever time it shows."""

import hashlib
import os

import pytest

from pytest_unicomp.store import file_digests
from pytest_unicomp.store.file_digests import FileDigests


@pytest.fixture
def read(monkeypatch):
    """The files that were read, in order."""
    found = []
    real = file_digests.file_digest
    monkeypatch.setattr(file_digests, "file_digest", lambda path: found.append(path.name) or real(path))
    return found


def test_a_file_that_nobody_wrote_is_read_once(tmp_path, read):
    (tmp_path / "a").write_bytes(b"weights")
    digests = FileDigests()
    assert [digests.of(tmp_path / "a") for _ in range(3)] == [hashlib.sha256(b"weights").hexdigest()] * 3
    assert read == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of change of an inode")
def test_a_file_that_was_changed_in_place_is_read_again_though_size_and_time_are_kept(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"weights")
    digests, before = FileDigests(), file.stat()
    first = digests.of(file)
    # Times of inodes move in steps of a clock tick.
    while os.stat(file).st_ctime_ns == before.st_ctime_ns:
        with file.open("r+b") as opened:
            opened.write(b"W")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert digests.of(file) == hashlib.sha256(b"Weights").hexdigest() != first


def test_a_file_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        FileDigests().of(tmp_path / "none")
