"""Keeps what was expensive to make: content-addressed folders and documents, locked across processes, manifest written last."""

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
    """Return the user's cache folder for this project (XDG_CACHE_HOME is honoured)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unicomp"


def unusable(root: Path) -> str | None:
    """Say in one phrase why a folder cannot be a store, or None where it can; writes nothing, makes no folder."""
    folder = root.absolute()
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder} is a file"
    return None if os.access(folder, os.W_OK | os.X_OK) else f"the folder {folder} is not writable"


def digest(parts: Mapping[str, Any]) -> str:
    """Return 32 hex digits over `parts` as canonical JSON: equal parts, equal digest, on every platform."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
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
    """Give a file or folder that tempfile made private the mode that the umask gives to others."""
    mask = os.umask(0)
    os.umask(mask)
    # What the folder around it passes on (a group, on shared disks) stays.
    path.chmod(stat.S_IMODE(path.stat().st_mode) | ((0o777 if path.is_dir() else 0o666) & ~mask))


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _used(path: Path) -> None:
    """Note the time of use, by which old things are taken away."""
    # A store that may only be read serves all the same.
    with suppress(OSError):
        os.utime(path)


class Store:
    """A folder of results; several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        """Use `root`, which is made on the first write."""
        self.root = root
        self.address = str(root)

    def leave_token(self) -> str:
        """Write a small file, by which another process can tell that it sees this store, and return its name."""
        self.root.mkdir(parents=True, exist_ok=True)
        name = f".seen-by-all-{uuid.uuid4().hex}"
        (self.root / name).touch()
        return name

    def seen(self, token: str, *, remove: bool = False) -> bool:
        """Say whether a token is there; `remove` takes it away."""
        found = (self.root / token).exists()
        if remove:
            (self.root / token).unlink(missing_ok=True)
        return found

    def require_writable(self) -> None:
        """Raise UsageProblem where the folder can neither be written nor made; nothing is made yet."""
        if (refusal := unusable(self.root)) is not None:
            raise UsageProblem(f"unicomp: the store {self.root} cannot be used: {refusal}; choose a folder with --unicomp-cache=DIR.")

    @contextmanager
    def lock(self, kind: str, key: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold the lock of one entry; yield False at once where `wait` is False and another process holds it."""
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
        """Return a stored document, or None where there is none; a damaged one counts as none."""
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
        """Return a finished folder and its record, or None; one whose files do not match the manifest counts as none."""
        path = self.root / kind / key
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            sound = all((path / name).stat().st_size == entry["bytes"] for name, entry in manifest["files"].items())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        # The folder, not its files: their times are part of what the checks of an artifact are kept by.
        _used(path)
        return (path, manifest["record"]) if sound else None

    @contextmanager
    def scratch(self, kind: str, key: str) -> Iterator[Path]:
        """Lend a folder that is still there after a kill or an error, for whoever goes on, and is removed when the block ends well.

        Call with the entry's lock held.
        """
        path = self.root / "scratch" / f"{kind}-{key}"
        path.mkdir(parents=True, exist_ok=True)
        yield path
        shutil.rmtree(path, ignore_errors=True)

    def make_folder(self, kind: str, key: str, make: Callable[[Path], dict[str, Any]]) -> tuple[Path, dict[str, Any]]:
        """Let `make` fill an empty folder and return its record; the folder appears under its key only when it is complete.

        Call with the entry's lock held. Raises InfrastructureError where the disk refuses; nothing half made stays behind.
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
