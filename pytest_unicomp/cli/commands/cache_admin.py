"""`unicomp cache`: lists the entries of the store, checks their content, and removes old ones."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Measurement
from pytest_unicomp.compare import hashes
from pytest_unicomp.store import folders, quarantine, seal
from pytest_unicomp.store.folders import MANIFEST
from pytest_unicomp.store.local import Store, digest, file_digest

# An entry that was used within the last hour may still be read by a run.
IN_USE_SECONDS = 3600
FOLDERS = ("artifacts", "conversions")
# What killed work goes on from, and what servers printed that failed; none of it is a document.
LEFTOVERS = ("scratch", "journals", "logs")
UNSEALED = (*LEFTOVERS, quarantine.KIND)
UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


@dataclass(frozen=True)
class Entry:
    """One entry of the store: size in bytes, time of last use (seconds since 1970), and its model and content as far as it records them."""

    kind: str
    key: str
    bytes: int
    used: float
    model: str | None
    what: str
    path: Path

    def row(self) -> dict[str, Any]:
        """Return it as plain values; `age_days` since it was last used."""
        return {**asdict(self), "path": str(self.path), "age_days": round(max(0.0, time.time() - self.used) / 86400, 2)}


def entries(store: Store) -> list[Entry]:
    """List the entries by kind, the largest first; `what` is "damaged" if an entry cannot be read. Locks are not entries."""
    found: list[tuple[Path, dict[str, Any] | None]] = []
    for kind in sorted(path for path in store.root.glob("*") if path.is_dir() and path.name != "locks"):
        found += [(path, _document(path)) for path in kind.iterdir() if not path.name.startswith(".") or path.is_dir()]
    models = _models(found)
    listed = [_entry(path, document, models) for path, document in found]
    return sorted(listed, key=lambda entry: (entry.kind, -entry.bytes, entry.key))


def _document(path: Path) -> dict[str, Any] | None:
    """Return the metadata of a store entry: a folder's manifest with its unicomp.json, or a JSON document; None if it cannot be read."""
    if path.parent.name in LEFTOVERS:
        return {}
    if path.parent.name == quarantine.KIND:
        reason = path / quarantine.REASON
        return {"recipe": reason.read_text(encoding="utf-8").strip() if reason.is_file() else "damaged"}
    try:
        if path.is_dir():
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            origin = path / "unicomp.json"
            made = json.loads(origin.read_text(encoding="utf-8")) if origin.is_file() else {}
            return {**manifest["record"], "reference": made.get("reference")}
        content = json.loads(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _models(found: Iterable[tuple[Path, dict[str, Any] | None]]) -> dict[str, str]:
    """Return model names by fingerprint, for references and for the artifacts made from them."""
    names: dict[str, str] = {}
    for _, document in found:
        reference = (document or {}).get("reference")
        if isinstance(reference, dict) and reference.get("model"):
            names[str(reference.get("fingerprint"))] = str(reference["model"])
            names[str((document or {}).get("fingerprint"))] = str(reference["model"])
    return names


def _entry(path: Path, document: dict[str, Any] | None, models: dict[str, str]) -> Entry:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    fingerprint = str((document or {}).get("artifact") or (document or {}).get("fingerprint"))
    what = "damaged" if document is None else str(document.get("recipe") or document.get("benchmark") or "")
    return Entry(
        kind=path.parent.name,
        key=path.stem if path.is_file() else path.name,
        bytes=sum(file.stat().st_size for file in files),
        used=path.stat().st_mtime,
        model=models.get(fingerprint),
        what=what or ("unfinished" if path.name.startswith(".") else ""),
        path=path,
    )


def to_remove(listed: Sequence[Entry], *, older_than: float | None, keep_bytes: int | None, now: float) -> list[Entry]:
    """Return the entries last used more than `older_than` days ago, then the longest unused until at most `keep_bytes` are left.

    Entries used within the last hour are kept, since a run may be reading them.
    """
    free = sorted((entry for entry in listed if now - entry.used > IN_USE_SECONDS), key=lambda entry: entry.used)
    old = [entry for entry in free if older_than is not None and now - entry.used > older_than * 86400]
    left = sum(entry.bytes for entry in listed) - sum(entry.bytes for entry in old)
    for entry in free:
        if keep_bytes is None or left <= keep_bytes:
            break
        if entry not in old:
            old.append(entry)
            left -= entry.bytes
    return old


def remove(store: Store, wanted: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Remove entries; return those that were removed, and those that were kept because another process is making or waiting for them."""
    gone, held = [], []
    for entry in wanted:
        with store.lock(*_made_under(entry), wait=False) as mine:
            if not mine:
                held.append(entry)
                continue
            shutil.rmtree(entry.path, ignore_errors=True) if entry.path.is_dir() else entry.path.unlink(missing_ok=True)
            gone.append(entry)
    return gone, held


def _made_under(entry: Entry) -> tuple[str, str]:
    """Return kind and key of the lock that is held while an entry is made."""
    if entry.kind == "journals":
        return "measurements", entry.key
    if entry.kind == "scratch":
        kind, _, key = entry.key.partition("-")
        return kind, key
    # A folder that is being made has a temporary name that contains the key: ".KEY.abcdefgh".
    return entry.kind, entry.key[1:].rpartition(".")[0] if entry.key.startswith(".") else entry.key


def problems(store: Store) -> list[tuple[Entry, str]]:
    """Return the entries that have changed since they were written, each with its problem; reads every file."""
    found = []
    for entry in entries(store):
        problem = None if entry.kind in UNSEALED else _problem(entry)
        if problem is not None:
            found.append((entry, problem))
    return found


def _problem(entry: Entry) -> str | None:
    if entry.path.name.startswith("."):
        return "unfinished, left by a run that was stopped"
    if entry.what == "damaged":
        return "its manifest cannot be read" if entry.kind in FOLDERS else "it cannot be read as JSON"
    try:
        if entry.kind in FOLDERS:
            made = folders.manifest(entry.kind, entry.key, (entry.path / MANIFEST).read_text(encoding="utf-8"))
            folders.require_whole(entry.path, made["files"], digest_of=file_digest)
            return None
        content = seal.unsealed(entry.kind, entry.key, json.loads(entry.path.read_text(encoding="utf-8")))
    except seal.Damaged as damage:
        return str(damage)
    # Whoever names these by their content relies on the key alone.
    if entry.kind in ("findings", "timings", "reports") and digest(content) != entry.key:
        return "its content differs from its key"
    if entry.kind == "evidence" and hashes.content(Measurement.model_validate(content)) != entry.key:
        return "its content differs from its key"
    return None


def parse_size(text: str) -> int:
    """Read a size such as `20GB` or `500 MB` into bytes (decimal units); raise UsageProblem for anything else."""
    number = text.strip().lower().rstrip("bkmgt ").strip()
    unit = text.strip().lower()[len(number) :].strip()
    try:
        value = float(number) * UNITS[unit]
    except (ValueError, KeyError):
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageProblem(f"unicomp: --keep is {text!r}; expected a size such as 20GB or 500MB.")
    return int(value)
