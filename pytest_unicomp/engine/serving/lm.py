"""lm-eval's client of completion endpoints, with token ids made exactly as lm-eval's own hf backend makes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving.endpoint import Endpoint

CONCURRENT = 8
RETRIES = 4
TIMEOUT_SECONDS = 600


def make(endpoint: Endpoint, model: str, *, tokenizer: Path, max_length: int, tokens: bool, scores: str | None) -> Any:
    """Return an `lm_eval.models.openai_completions.LocalCompletionsAPI` for a server.

    `tokens`: prompts go out as token ids, else as text. `scores` says why the server cannot score a given continuation, None where it can;
    asking it to raises InfrastructureError with that reason.
    """
    from lm_eval.models.openai_completions import LocalCompletionsAPI
    from lm_eval.models.utils import has_bos_prefix

    from pytest_unicomp.engine.quiet_libraries import without_progress_bars

    class Served(LocalCompletionsAPI):  # type: ignore[misc]
        """As upstream, but for the special tokens of prompts and the chat template, both as lm-eval's HFLM has them."""

        def tok_encode(self, string: str | Sequence[str], left_truncate_len: int | None = None, **_: Any) -> Any:
            """Return the token ids of a text, or of each of several; the tokenizer's own special tokens unless the text starts with them."""
            if not isinstance(string, str):
                return [self.tok_encode(one, left_truncate_len) for one in string]
            starts = has_bos_prefix(string, self.tokenizer.decode(self.prefix_token_id))
            encoded = self.tokenizer.encode(string, **({"add_special_tokens": False} if starts else {}))
            return encoded[-left_truncate_len:] if left_truncate_len else encoded

        def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
            """Render a conversation with the checkpoint's own template, so that the server sees the prompt that is recorded."""
            return str(
                self.tokenizer.apply_chat_template(
                    chat_history,
                    tokenize=False,
                    add_generation_prompt=add_generation_prompt,
                    continue_final_message=not add_generation_prompt,
                )
            )

        def _loglikelihood_tokens(self, requests: Any, **settings: Any) -> Any:
            if scores is not None:
                raise InfrastructureError(scores)
            with without_progress_bars():
                return list(super()._loglikelihood_tokens(requests, **settings))

        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> Any:
            """As upstream, without its bar."""
            with without_progress_bars():
                return super().generate_until(requests, disable_tqdm)

    return Served(
        base_url=f"{endpoint.url}/completions",
        model=model,
        tokenizer=str(tokenizer),
        tokenizer_backend="huggingface",
        tokenized_requests=tokens,
        num_concurrent=CONCURRENT,
        batch_size=1,
        max_retries=RETRIES,
        max_length=max_length,
        timeout=TIMEOUT_SECONDS,
        header=endpoint.headers(),
    )
