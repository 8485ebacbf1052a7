"""A stored folder: its manifest, which is written last, and the check that its files are those that the manifest lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_unicomp.store.seal import Damaged, sealed, unsealed

MANIFEST = "unicomp-manifest.json"
NAMED = 3


def manifest_text(
    kind: str, key: str, folder: Path, record: Mapping[str, Any], made_from: Mapping[str, Any] | None, *, digest_of: Callable[[Path], str]
) -> str:
    """Return the manifest of a finished folder: bytes and sha256 of every file, the record, and its own seal."""
    files = {name: {"bytes": file.stat().st_size, "sha256": digest_of(file)} for name, file in _files(folder).items()}
    content = {"key": key, "record": record, "files": files}
    return json.dumps(sealed(kind, key, content, made_from), indent=1, allow_nan=False)


def manifest(kind: str, key: str, text: str) -> dict[str, Any]:
    """Return the content of a manifest; raise Damaged if it is not what was written."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Damaged("its manifest cannot be read as JSON") from error
    try:
        return unsealed(kind, key, document)
    except Damaged as damage:
        raise Damaged(f"its manifest is not what was written: {damage}") from damage


def require_whole(folder: Path, files: Mapping[str, Any], *, digest_of: Callable[[Path], str]) -> None:
    """Raise Damaged unless the folder holds the files of its manifest, byte by byte, and no others; sizes are compared before content."""
    present = _files(folder)
    wrong = [name for name in files if name not in present or present[name].stat().st_size != files[name]["bytes"]]
    wrong = wrong or [name for name, stated in files.items() if digest_of(present[name]) != stated["sha256"]]
    if wrong:
        raise Damaged(f"its content differs from its manifest: {', '.join(wrong[:NAMED])}")
    added = sorted(present.keys() - files.keys())
    if added:
        raise Damaged(f"its manifest does not list {', '.join(added[:NAMED])}")


def _files(folder: Path) -> dict[str, Path]:
    found = (file for file in sorted(folder.rglob("*")) if file.is_file() and file != folder / MANIFEST)
    return {file.relative_to(folder).as_posix(): file for file in found}
