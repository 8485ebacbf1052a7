"""The local store: folders and JSON documents by content key, with locks between processes; a folder's manifest is written last."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem

MANIFEST = "unicomp-manifest.json"


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


def digest(parts: Mapping[str, Any]) -> str:
    """Return the first 32 hex digits of the SHA-256 of `parts` as canonical JSON, the same on every platform."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


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
        Path(name).unlink(missing_ok=True)
        raise


def publish(path: Path) -> None:
    """Give a file or folder made by tempfile, which is private, the mode that the umask allows."""
    mask = os.umask(0)
    os.umask(mask)
    # Bits inherited from the parent folder, such as setgid on shared disks, stay.
    path.chmod(stat.S_IMODE(path.stat().st_mode) | ((0o777 if path.is_dir() else 0o666) & ~mask))


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _used(path: Path) -> None:
    """Set the time of last use, by which old entries are removed."""
    # A read-only store works too.
    with suppress(OSError):
        os.utime(path)


class Store:
    """A folder of results that several processes may use at once."""

    def __init__(self, root: Path) -> None:
        """Use `root`, which is created by the first write."""
        self.root = root
        self.address = str(root)

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
        """Return a stored document, or None if it is missing or damaged."""
        try:
            document = json.loads((self.root / kind / f"{key}.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        _used(self.root / kind / f"{key}.json")
        return document if isinstance(document, dict) else None

    def write(self, kind: str, key: str, document: Mapping[str, Any]) -> None:
        """Store a document under its key."""
        write_text(self.root / kind / f"{key}.json", json.dumps(document, ensure_ascii=False, allow_nan=False))

    def folder(self, kind: str, key: str) -> tuple[Path, dict[str, Any]] | None:
        """Return a finished folder and its record, or None if it is missing or its files do not have the sizes of the manifest."""
        path = self.root / kind / key
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            sound = all((path / name).stat().st_size == entry["bytes"] for name, entry in manifest["files"].items())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        # Only the folder's time: those of its files are part of the key of its artifact checks.
        _used(path)
        return (path, manifest["record"]) if sound else None

    @contextmanager
    def scratch(self, kind: str, key: str) -> Iterator[Path]:
        """Yield a working folder that survives a kill or an error, so that work can resume, and is removed if the block succeeds.

        Call with the entry's lock held.
        """
        path = self.root / "scratch" / f"{kind}-{key}"
        path.mkdir(parents=True, exist_ok=True)
        yield path
        shutil.rmtree(path, ignore_errors=True)

    def make_folder(self, kind: str, key: str, make: Callable[[Path], dict[str, Any]]) -> tuple[Path, dict[str, Any]]:
        """Let `make` fill an empty folder and return its record; the folder appears under its key when it is complete.

        Call with the entry's lock held. Raises InfrastructureError if writing fails; a partial folder is removed.
        """
        final = self.root / kind / key
        final.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{key}."))
        try:
            record = make(made)
            files = {
                str(file.relative_to(made)): {"bytes": file.stat().st_size, "sha256": file_digest(file)}
                for file in sorted(made.rglob("*"))
                if file.is_file()
            }
            write_text(made / MANIFEST, json.dumps({"key": key, "record": record, "files": files}, indent=1, allow_nan=False))
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
