"""The local store: folders and JSON documents by content key, with locks between processes; damaged content is never used."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.store import folders, quarantine, seal
from pytest_unicomp.store.file_digests import FileDigests, file_digest
from pytest_unicomp.store.folders import MANIFEST
from pytest_unicomp.store.seal import Damaged, digest

__all__ = ["MANIFEST", "Store", "default_root", "digest", "file_digest", "publish", "unusable", "write_text"]


def default_root() -> Path:
    """Return the user's cache folder for this project ($XDG_CACHE_HOME/unicomp, else ~/.cache/unicomp)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unicomp"


def unusable(root: Path) -> str | None:
    """Return why a folder cannot be a store, as a phrase, or None; creates nothing."""
    folder = root.absolute()
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is a file"
    return None if os.access(folder, os.W_OK | os.X_OK) else f"the folder {folder} is not writable"


def write_text(path: Path, text: str) -> None:
    """Write a file atomically: a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        publish(Path(name))
        Path(name).replace(path)
    except BaseException:
        # Also KeyboardInterrupt: nobody would ever delete the temporary file.
        Path(name).unlink(missing_ok=True)
        raise


def publish(path: Path) -> None:
    """Give a file or folder made by tempfile, which is private, the mode that the umask allows."""
    mask = os.umask(0)
    os.umask(mask)
    # Bits inherited from the parent folder, such as setgid on shared disks, stay.
    path.chmod(stat.S_IMODE(path.stat().st_mode) | ((0o777 if path.is_dir() else 0o666) & ~mask))


def _used(path: Path) -> None:
    """Set the time of last use, by which old entries are removed."""
    # A read-only store works too.
    with suppress(OSError):
        os.utime(path)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


class Store:
    """A folder of results that several processes may use at once.

    Whatever is read is hashed: documents each time, the files of a folder once per store object (`digests`). What is not as it was written is
    set aside, reported in one line to `notice` (standard error, unless replaced), and counts as missing.
    """

    def __init__(self, root: Path) -> None:
        """Use `root`, which is created by the first write."""
        self.root = root
        self.address = str(root)
        self.digests = FileDigests()
        self.notice: Callable[[str], None] = _to_stderr

    def leave_token(self) -> str:
        """Write a small file and return its name; a process that finds it uses the same store."""
        self.root.mkdir(parents=True, exist_ok=True)
        name = f".seen-by-all-{uuid.uuid4().hex}"
        (self.root / name).touch()
        return name

    def seen(self, token: str, *, remove: bool = False) -> bool:
        """Return True if a token exists; `remove` deletes it."""
        found = (self.root / token).exists()
        if remove:
            (self.root / token).unlink(missing_ok=True)
        return found

    def require_writable(self) -> None:
        """Raise UsageProblem if the folder can neither be written nor created; creates nothing."""
        if (refusal := unusable(self.root)) is not None:
            raise UsageProblem(f"unicomp: the store {self.root} cannot be used: {refusal}; choose a folder with --unicomp-cache=DIR.")

    @contextmanager
    def lock(self, kind: str, key: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold the lock of one entry and yield True; yield False at once if another process holds it and `wait` is False."""
        from filelock import FileLock, Timeout

        path = self.root / "locks" / f"{kind}-{key}"
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def read(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return a stored document, or None if it is missing or its content does not match its seal; then it is set aside."""
        path = self._document(kind, key)
        try:
            found = seal.unsealed(kind, key, json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except Damaged as damage:
            self._set_aside(kind, key, path, str(damage))
            return None
        except ValueError:
            self._set_aside(kind, key, path, "it cannot be read as JSON")
            return None
        _used(path)
        return found

    def as_it_lies(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return a stored document whatever its seal says, or None if it is missing or cannot be read; for those who have its digest themselves."""
        try:
            document = json.loads(self._document(kind, key).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return seal.without_seal(document) if isinstance(document, dict) else None

    def write(self, kind: str, key: str, document: Mapping[str, Any], made_from: Mapping[str, Any] | None = None) -> None:
        """Store a document under its key, with its seal; `made_from`, if given, are the parts whose digest the key is."""
        whole = seal.sealed(kind, key, document, made_from)
        write_text(self._document(kind, key), json.dumps(whole, ensure_ascii=False, allow_nan=False))

    def folder(self, kind: str, key: str) -> tuple[Path, dict[str, Any]] | None:
        """Return a finished folder and its record, or None if it is missing, or a file or the manifest is not what was written; then it is set aside.

        Reads every file, once per store object. Call with the entry's lock held.
        """
        path = self.root / kind / key
        try:
            made = folders.manifest(kind, key, (path / MANIFEST).read_text(encoding="utf-8"))
            folders.require_whole(path, made["files"], digest_of=self.digests.of)
        except Damaged as damage:
            self._set_aside(kind, key, path, str(damage))
            return None
        except UnicodeDecodeError:
            self._set_aside(kind, key, path, "its manifest cannot be read as text")
            return None
        except OSError:
            return None
        # Only the folder's time: those of its files may be part of what others keep.
        _used(path)
        record: dict[str, Any] = made["record"]
        return path, record

    def _document(self, kind: str, key: str) -> Path:
        return self.root / kind / f"{key}.json"

    def _set_aside(self, kind: str, key: str, path: Path, reason: str) -> None:
        self.notice(quarantine.set_aside(self.root, kind, key, path, reason))

    @contextmanager
    def scratch(self, kind: str, key: str) -> Iterator[Path]:
        """Yield a working folder that survives a kill or an error, so that work can resume, and is removed if the block succeeds.

        Call with the entry's lock held.
        """
        path = self.root / "scratch" / f"{kind}-{key}"
        path.mkdir(parents=True, exist_ok=True)
        yield path
        shutil.rmtree(path, ignore_errors=True)

    def make_folder(
        self, kind: str, key: str, make: Callable[[Path], dict[str, Any]], made_from: Mapping[str, Any] | None = None
    ) -> tuple[Path, dict[str, Any]]:
        """Let `make` fill an empty folder and return its record; the folder appears under its key when it is complete.

        `made_from`, if given, are the parts whose digest the key is. Call with the entry's lock held. Raises InfrastructureError if writing fails; a partial folder is removed.
        """
        final = self.root / kind / key
        final.parent.mkdir(parents=True, exist_ok=True)
        # The lock is held here, so what a killed process left of this entry is nobody's any more.
        for left in final.parent.glob(f".{key}.*"):
            shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{key}."))
        try:
            record = make(made)
            write_text(made / MANIFEST, folders.manifest_text(kind, key, made, record, made_from, digest_of=file_digest))
            publish(made)
            shutil.rmtree(final, ignore_errors=True)
            made.replace(final)
        except OSError as error:
            raise InfrastructureError(
                f"unicomp: cannot write {kind} to the store {self.root}: {error}. Free space or choose --unicomp-cache."
            ) from error
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return final, record
