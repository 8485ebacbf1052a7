"""lm-eval's client of chat endpoints: prompts are messages, rendered by the server's own template; continuations cannot be scored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving.endpoint import CHAT, Endpoint
from pytest_unicomp.engine.serving.lm import CONCURRENT, RETRIES, TIMEOUT_SECONDS

# Conditions of measurements record this instead of the digest of a template that nobody here knows.
SERVERS_TEMPLATE = "server"


def build_chat_client(endpoint: Endpoint, model: str) -> Any:
    """Return an `lm_eval.models.openai_completions.LocalChatCompletion` for a chat endpoint; it raises InfrastructureError for log-likelihoods."""
    return _chat_lm(endpoint)(
        base_url=f"{endpoint.url}{CHAT}",
        model=model,
        num_concurrent=CONCURRENT,
        batch_size=1,
        max_retries=RETRIES,
        timeout=TIMEOUT_SECONDS,
        header=endpoint.headers(),
    )


def rendered(messages: Sequence[dict[str, str]]) -> str:
    """Return messages as the text of a prompt, which reports show: a JSON object with the one key "messages"."""
    return json.dumps({"messages": list(messages)}, ensure_ascii=False)


def messages_of(prompt: str) -> list[dict[str, str]]:
    """Return the messages of a prompt: those that it renders, or itself as the one message of a user."""
    try:
        found = json.loads(prompt) if prompt.startswith('{"messages": ') else None
    except ValueError:
        found = None
    if isinstance(found, dict) and list(found) == ["messages"] and isinstance(found["messages"], list):
        return list(found["messages"])
    return [{"role": "user", "content": prompt}]


def _chat_lm(endpoint: Endpoint) -> type:
    """Return the class of the client; a function makes it, since the import of its base class takes seconds."""
    from lm_eval.models.openai_completions import LocalChatCompletion

    from pytest_unicomp.engine.serving.client_calls import ClientCalls, replies

    class ChatLM(ClientCalls, LocalChatCompletion):  # type: ignore[misc]  # lm-eval has no types
        """As upstream, except that prompts are text for caches and reports, and that answers are checked."""

        def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
            """Return the messages as text; the server applies its template."""
            return rendered(chat_history)

        def create_message(self, messages: list[str], generate: bool = False) -> list[dict[str, str]]:
            """Return the messages of the one prompt in a batch."""
            return messages_of(messages[0])

        def sent(self, generation: dict[str, Any]) -> dict[str, Any]:
            """Return the settings that go to the server, with the arguments of the chat template, which is the server's (vLLM, SGLang, llama.cpp)."""
            arguments = dict(self.reply_settings.template_arguments)
            return {**super().sent(generation), **({"chat_template_kwargs": arguments} if arguments else {})}

        def parse_generations(self, outputs: Any, **_: Any) -> list[str]:
            """Return the replies; raise InfrastructureError for an answer that has none."""
            return [
                text
                for one in (outputs if isinstance(outputs, list) else [outputs])
                for text in replies(one, self.base_url, "message", "content")
            ]

        def loglikelihood(self, requests: Any, **_: Any) -> Any:
            """Raise InfrastructureError: a chat endpoint gives no log-probabilities of a prompt."""
            raise InfrastructureError(f"unicomp: {endpoint.url}{CHAT} is spoken to in messages and cannot score answer options.")

        loglikelihood_rolling = loglikelihood

    return ChatLM
