"""The seal of a stored document: a digest of its content, its place in the store and the inputs that it was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FIELD = "unicomp-seal"


class Damaged(Exception):
    """A stored entry that is not what was written; the message is a phrase."""


def digest(parts: Mapping[str, Any]) -> str:
    """Return the first 32 hex digits of the SHA-256 of `parts` as canonical JSON, the same on every platform."""
    return _sha256(parts)[:32]


def sealed(kind: str, key: str, content: Mapping[str, Any], made_from: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the document that is stored: the content with its seal. `made_from`, if given, are the parts whose digest the key is."""
    made = None if made_from is None else dict(made_from)
    return {FIELD: {"sha256": _of(kind, key, content, made), "made_from": made}, **content}


def unsealed(kind: str, key: str, document: Any) -> dict[str, Any]:
    """Return the content of a stored document; raise Damaged if the document is not what was written under this kind and key."""
    if not isinstance(document, dict):
        raise Damaged("it is no JSON object")
    content = without_seal(document)
    seal = document.get(FIELD)
    if not isinstance(seal, dict):
        raise Damaged("it carries no digest of its content")
    made = seal.get("made_from")
    if seal.get("sha256") != _of(kind, key, content, made):
        raise Damaged("its content differs from its digest")
    if made is not None and digest(made) != key:
        raise Damaged("its key is not the digest of what it was made from")
    return content


def without_seal(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a stored document without checking it."""
    return {name: value for name, value in document.items() if name != FIELD}


def _of(kind: str, key: str, content: Mapping[str, Any], made_from: Any) -> str:
    # Kind and key are sealed too: a sound document that was copied to another key is another model's.
    return _sha256({"kind": kind, "key": key, "content": content, "made_from": made_from})


def _sha256(parts: Mapping[str, Any]) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
