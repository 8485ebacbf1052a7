"""The format of a conversation: the special tokens, the chat template, and the two records that every part of the world makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PADDING = "<|pad|>"
BEGIN = "<|begin|>"
SYSTEM = "<|system|>"
USER = "<|user|>"
ASSISTANT = "<|assistant|>"
END = "<|end|>"
SPECIAL_TOKENS = (PADDING, BEGIN, SYSTEM, USER, ASSISTANT, END)

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)

WorldItem = dict[str, Any]


@dataclass(frozen=True)
class Conversation:
    """One user turn and its reply; without a prompt it is a document, of which every token is learned."""

    prompt: str | None
    reply: str

    def rendered_prompt(self) -> str:
        """Return the text before the reply, exactly as the chat template writes it."""
        return BEGIN if self.prompt is None else f"{BEGIN}{USER}{self.prompt}{END}{ASSISTANT}"

    def rendered(self) -> str:
        """Return the whole conversation or document, exactly as the model saw it in training."""
        return f"{self.rendered_prompt()}{self.reply}{END}"
