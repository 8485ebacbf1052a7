"""lm-eval's client of completion endpoints, with the token ids of lm-eval's own hf backend, and with checked log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving.endpoint import Endpoint
from pytest_unicomp.engine.serving.log_probabilities import TOKENS_BY_ID, problem

CONCURRENT = 8
RETRIES = 4
TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Takes:
    """The forms that a server takes: prompts as token `ids`, else as text; and `tokens_by_id`, the field by which it names tokens by id.

    `why_not_scored` says why it cannot score a given continuation, None if it can.
    """

    ids: bool
    tokens_by_id: bool = False
    why_not_scored: str | None = None


def build_client(endpoint: Endpoint, model: str, *, tokenizer: Path, max_length: int, takes: Takes) -> Any:
    """Return an `lm_eval.models.openai_completions.LocalCompletionsAPI` for a server.

    A log-likelihood request raises InfrastructureError if the server cannot score, and if it returns wrong log-probabilities.
    """
    return _served_lm(endpoint, takes)(
        base_url=f"{endpoint.url}/completions",
        model=model,
        tokenizer=str(tokenizer),
        tokenizer_backend="huggingface",
        tokenized_requests=takes.ids,
        num_concurrent=CONCURRENT,
        batch_size=1,
        max_retries=RETRIES,
        max_length=max_length,
        timeout=TIMEOUT_SECONDS,
        header=endpoint.headers(),
    )


def _served_lm(endpoint: Endpoint, takes: Takes) -> type:
    """Return the class of the client; a function makes it, since the import of its base class takes seconds."""
    from lm_eval.models.openai_completions import LocalCompletionsAPI
    from lm_eval.models.utils import has_bos_prefix

    from pytest_unicomp.engine.quiet_libraries import without_progress_bars
    from pytest_unicomp.engine.serving.client_calls import ClientCalls, replies

    class ServedLM(ClientCalls, LocalCompletionsAPI):  # type: ignore[misc]  # lm-eval has no types
        """As upstream, except that special tokens and the chat template are those of lm-eval's HFLM, and that log-probabilities are checked."""

        def tok_encode(self, string: str | Sequence[str], left_truncate_len: int | None = None, **_: Any) -> Any:
            """Return the token ids of a text, or of each of several, with the tokenizer's special tokens unless the text starts with them."""
            if not isinstance(string, str):
                return [self.tok_encode(one, left_truncate_len) for one in string]
            has_bos = has_bos_prefix(string, self.tokenizer.decode(self.prefix_token_id))
            encoded = self.tokenizer.encode(string, **({"add_special_tokens": False} if has_bos else {}))
            return encoded[-left_truncate_len:] if left_truncate_len else encoded

        def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
            """Render a conversation with the checkpoint's own template, so that the server gets the prompt that is recorded."""
            return str(
                self.tokenizer.apply_chat_template(
                    chat_history,
                    tokenize=False,
                    add_generation_prompt=add_generation_prompt,
                    continue_final_message=not add_generation_prompt,
                    **self.reply_settings.template_arguments,
                )
            )

        def _create_payload(self, messages: Any, generate: bool = False, **settings: Any) -> dict[str, Any]:
            """As upstream; a request to score asks for tokens by id, if the server takes that field."""
            asked: dict[str, Any] = super()._create_payload(messages, generate=generate, **settings)
            return {**asked, **TOKENS_BY_ID} if takes.tokens_by_id and not generate else asked

        @staticmethod
        def parse_logprobs(outputs: Any, tokens: Any = None, ctxlens: Any = None, **settings: Any) -> list[tuple[float, bool]]:
            """Parse like upstream; raise InfrastructureError for missing, non-finite or positive log-probabilities, and for those of other tokens."""
            for answer in outputs if isinstance(outputs, list) else [outputs]:
                for choice, (ids, first) in enumerate(zip(tokens, ctxlens, strict=True)):
                    wrong = problem(answer, ids, first, choice=choice)
                    if wrong is not None:
                        raise InfrastructureError(f"unicomp: {endpoint.url}/completions answered {wrong}.")
            found: list[tuple[float, bool]] = LocalCompletionsAPI.parse_logprobs(outputs, tokens, ctxlens, **settings)
            return found

        @staticmethod
        def parse_generations(outputs: Any, **_: Any) -> list[str]:
            """Return the texts; raise InfrastructureError for an answer that has none."""
            url = f"{endpoint.url}/completions"
            return [text for one in (outputs if isinstance(outputs, list) else [outputs]) for text in replies(one, url, "text")]

        def _loglikelihood_tokens(self, requests: Any, **settings: Any) -> Any:
            if takes.why_not_scored is not None:
                raise InfrastructureError(takes.why_not_scored)
            with without_progress_bars():
                return list(super()._loglikelihood_tokens(requests, **settings))

    return ServedLM
