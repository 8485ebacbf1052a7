"""What a judge is asked: a task that has a prompt of its own, and the texts that fill it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """`task` names the prompt (see prompts.json; "refusal" and "similarity" have none of TrustLLM's), `fields` are pairs of name and text."""

    task: str
    fields: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        """Return a field; raise KeyError where the question has none of that name."""
        return dict(self.fields)[name]


def asked(task: str, **fields: str) -> Asked:
    """Return a question for the judge."""
    return Asked(task, tuple(sorted(fields.items())))
