"""The prompt cache, which renders few-shot prompts of a task once for all recipes and runs, and the digest of a chat template."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_unicomp.engine.host import host
from pytest_unicomp.store.local import Store, digest

KIND = "prompts"


class PromptCache:
    """The rendered prompts of one task, by the index of the document in the evaluation split, for one tokenizer and its chat template."""

    def __init__(self, store: Store | None, task: str, identity: Mapping[str, Any], tokenizer: Any) -> None:
        """Load cached prompts. The key covers task, the benchmark's `identity` (with its data's digest), chat template, special tokens and versions."""
        shaped_by = {
            "task": task,
            "identity": dict(identity),
            "template": str(tokenizer.chat_template),
            "special": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
            "versions": host.versions(),
        }
        self._store, self._key = store, digest(shaped_by)
        stored = (store.read(KIND, self._key) if store is not None else None) or {}
        self._prompts: dict[str, str] = dict(stored.get("prompts", {}))

    def get(self, indices: Iterable[int]) -> dict[int, str] | None:
        """Return the prompts of these documents, or None if one of them is not in the cache."""
        found = {index: self._prompts.get(str(index)) for index in indices}
        return None if None in found.values() else {index: str(prompt) for index, prompt in found.items()}

    def put(self, prompts: Mapping[int, Any]) -> None:
        """Add prompts and write them to the store; prompts that are not text (a task may build its requests from parts) are left out."""
        self._prompts |= {str(index): prompt for index, prompt in prompts.items() if isinstance(prompt, str)}
        if self._store is not None:
            self._store.write(KIND, self._key, {"prompts": self._prompts})


def chat_template_digest(tokenizer: Any) -> str:
    """Return the first 16 hex digits of the sha256 of the tokenizer's chat template, or "none" if it has none.

    Measurements with different digests must not be compared.
    """
    template = tokenizer.chat_template
    return hashlib.sha256(str(template).encode()).hexdigest()[:16] if template else "none"


class TemplateOfTokenizer:
    """The part of an engine whose prompts are rendered here, with the chat template of its tokenizer."""

    tokenizer: Any

    @property
    def has_chat_template(self) -> bool:
        """Return True if prompts can be messages."""
        return bool(self.tokenizer.chat_template)

    def template(self, *, chat: bool) -> str:
        """Return the digest of the chat template, which a measurement keeps among its conditions; "none" if prompts are not messages."""
        return chat_template_digest(self.tokenizer) if chat else "none"
