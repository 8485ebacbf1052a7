"""Keeps the rendered prompts of a task, by content: few-shot prompts are put together once for all recipes and all runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_unicomp.engine.host import host
from pytest_unicomp.store.local import Store, digest

KIND = "prompts"


class Prompts:
    """The prompts of one task's documents, by their index in its evaluation split, as one tokenizer's chat template puts them."""

    def __init__(self, store: Store | None, task: str, identity: Mapping[str, Any], tokenizer: Any) -> None:
        """Read what is kept under everything that shapes a prompt: `identity` is the benchmark's, with the digest of its data."""
        shaped_by = {
            "task": task,
            "identity": dict(identity),
            "template": str(tokenizer.chat_template),
            "special": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
            "versions": host.versions(),
        }
        self._store, self._key = store, digest(shaped_by)
        kept = (store.read(KIND, self._key) if store is not None else None) or {}
        self._known: dict[str, str] = dict(kept.get("prompts", {}))

    def of(self, indices: Iterable[int]) -> dict[int, str] | None:
        """Return the prompts of these documents, or None where one of them is not known."""
        found = {index: self._known.get(str(index)) for index in indices}
        return None if None in found.values() else {index: str(prompt) for index, prompt in found.items()}

    def keep(self, prompts: Mapping[int, Any]) -> None:
        """Keep prompts for later; those that are no text (a task may hand parts to its own request maker) are left out."""
        self._known |= {str(index): prompt for index, prompt in prompts.items() if isinstance(prompt, str)}
        if self._store is not None:
            self._store.write(KIND, self._key, {"prompts": self._known})
