"""The shared store: finished entries are copied to an fsspec address (`s3://bucket/store`), so that machines without a common disk share work.

Each machine has a copy in its own cache folder and locks there; entries of other machines are fetched on first use. Two machines that make
the same entry at the same time both make it, and one copy stays, since entries are named by their content.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.store import folders, seal
from pytest_unicomp.store.local import MANIFEST, Store, default_root, file_digest, publish, write_text
from pytest_unicomp.store.seal import Damaged


def opened(cache: Path | str | None) -> Store:
    """Return the store that `--unicomp-cache` names: a folder, an fsspec address, or None for the user's cache folder."""
    address = str(cache) if cache is not None else ""
    return SharedStore(address) if "://" in address else Store(Path(cache) if cache is not None else default_root())


class SharedStore(Store):
    """A store in this user's cache folder that shares its finished entries under `address`."""

    def __init__(self, address: str) -> None:
        """Open the address without connecting; raise UsageProblem if no installed library supports it."""
        from fsspec.core import url_to_fs

        try:
            self._files, self._base = url_to_fs(address)
        except (ImportError, ValueError) as error:
            expected = "expected a folder, or an address that an installed fsspec library supports"
            raise UsageProblem(f"unicomp: --unicomp-cache={address} cannot be opened: {error}; {expected}.") from error
        self.address = address
        super().__init__(default_root() / "shared" / hashlib.sha256(address.encode()).hexdigest()[:16])

    def require_writable(self) -> None:
        """Raise UsageProblem if this machine's folder cannot be written, InfrastructureError if the shared storage does not respond."""
        super().require_writable()
        self.seen(self.leave_token(), remove=True)

    def leave_token(self) -> str:
        """Write a small file to the shared storage and return its name."""
        name = f".seen-by-all-{uuid.uuid4().hex}"
        self._shared(lambda: self._files.makedirs(self._base, exist_ok=True))
        self._shared(lambda: self._files.pipe_file(f"{self._base}/{name}", b"1"))
        return name

    def seen(self, token: str, *, remove: bool = False) -> bool:
        """Return True if a token is on the shared storage; `remove` deletes it."""
        found = bool(self._shared(lambda: self._files.exists(f"{self._base}/{token}")))
        if remove and found:
            self._shared(lambda: self._files.rm_file(f"{self._base}/{token}"))
        return found

    def read(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return a stored document, fetched from the shared storage if this machine has none."""
        kept = super().read(kind, key)
        if kept is not None:
            return kept
        try:
            document = self._shared(lambda: json.loads(self._files.cat_file(f"{self._base}/{kind}/{key}.json")))
            found = seal.unsealed(kind, key, document)
        except (FileNotFoundError, ValueError):
            return None
        except Damaged as damage:
            self._refuse(kind, key, damage)
            return None
        # The document itself: its seal stays that of the machine that made it.
        write_text(self.root / kind / f"{key}.json", json.dumps(document, ensure_ascii=False, allow_nan=False))
        return found

    def as_it_lies(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return a stored document whatever its seal says; one that this machine lacks is fetched if it is sound."""
        return super().as_it_lies(kind, key) or self.read(kind, key)

    def write(self, kind: str, key: str, document: Mapping[str, Any], made_from: Mapping[str, Any] | None = None) -> None:
        """Store a document here and on the shared storage."""
        super().write(kind, key, document, made_from)
        self._put(self.root / kind / f"{key}.json", f"{kind}/{key}.json")

    def folder(self, kind: str, key: str) -> tuple[Path, dict[str, Any]] | None:
        """Return a finished folder and its record; one of another machine is fetched, and is None if a file's SHA-256 differs from the manifest."""
        return super().folder(kind, key) or self._fetch(kind, key)

    def make_folder(
        self, kind: str, key: str, make: Callable[[Path], dict[str, Any]], made_from: Mapping[str, Any] | None = None
    ) -> tuple[Path, dict[str, Any]]:
        """Make a folder here, then copy it to the shared storage, its manifest last."""
        path, record = super().make_folder(kind, key, make, made_from)
        for file in sorted((file for file in path.rglob("*") if file.is_file()), key=lambda file: (file.name == MANIFEST, file)):
            self._put(file, f"{kind}/{key}/{file.relative_to(path).as_posix()}")
        return path, record

    def _fetch(self, kind: str, key: str) -> tuple[Path, dict[str, Any]] | None:
        there = f"{self._base}/{kind}/{key}"
        try:
            text = self._shared(lambda: self._files.cat_file(f"{there}/{MANIFEST}").decode())
            names = {str(name): str(entry["sha256"]) for name, entry in folders.manifest(kind, key, text)["files"].items()}
        except (FileNotFoundError, ValueError):
            return None
        except Damaged as damage:
            self._refuse(kind, key, damage)
            return None
        final = self.root / kind / key
        final.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{key}."))
        try:
            for name, stated in names.items():
                target = made / name
                # A manifest of another machine must not write outside its own folder.
                if not target.resolve().is_relative_to(made.resolve()):
                    return None
                target.parent.mkdir(parents=True, exist_ok=True)
                self._shared(partial(self._files.get_file, f"{there}/{name}", str(target)))
                if file_digest(target) != stated:
                    self._refuse(kind, key, Damaged(f"its content differs from its manifest: {name}"))
                    return None
            write_text(made / MANIFEST, text)
            publish(made)
            shutil.rmtree(final, ignore_errors=True)
            made.replace(final)
        except FileNotFoundError:
            return None
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return super().folder(kind, key)

    def _refuse(self, kind: str, key: str, damage: Damaged) -> None:
        self.notice(f"unicomp: {self.address}/{kind}/{key} is damaged ({damage}); it is not used, and written anew if it is made again.")

    def _put(self, file: Path, name: str) -> None:
        target = f"{self._base}/{name}"
        self._shared(lambda: self._files.makedirs(target.rpartition("/")[0], exist_ok=True))
        part = f"{target}.{uuid.uuid4().hex}.part"
        self._shared(lambda: self._files.put_file(str(file), part))
        self._shared(lambda: self._files.mv(part, target))

    def _shared(self, work: Callable[[], Any]) -> Any:
        """Call `work` on the shared storage; errors other than a missing file or bad content become InfrastructureError."""
        try:
            return work()
        except (FileNotFoundError, ValueError):
            raise
        except Exception as error:
            # Each file system behind fsspec raises the errors of its own client library.
            raise InfrastructureError(
                f"unicomp: the shared store {self.address} does not respond: {type(error).__name__}: {error}; check the address and its credentials."
            ) from error
