"""The part of UnicompLM that answers log-likelihood requests: batch by batch, with every answer in the resume log as soon as it is known."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pytest_unicomp.engine.loglikelihood import Score, ScoringRequest, score
from pytest_unicomp.engine.model_probe import Capabilities, probe
from pytest_unicomp.engine.resume_log import ResumeLog

# Requests per call of lm-eval's own code, which returns no answer before all are done: a kill loses at most so many.
REQUESTS_PER_CALL = 64

TokenPair = tuple[list[int], list[int]]


class BatchedRequests:
    """A mixin before `lm_eval.models.huggingface.HFLM`, whose attributes are declared here; `resume_log`, if there is one, stores every answer."""

    resume_log: ResumeLog | None = None
    model: Any
    tokenizer: Any
    rank: int
    max_length: int
    add_bos_token: bool | None
    prefix_token_id: int
    eot_token_id: int | None
    mixed_precision_dtype: Any
    tok_decode: Callable[..., Any]
    _loglikelihood_tokens: Callable[..., Any]

    @cached_property
    def capabilities(self) -> Capabilities:
        """Probe the model at the first use, and return what the engine may do with it; log a warning if a capability is missing."""
        found = probe(self.model) if self.mixed_precision_dtype is None else Capabilities(None, 0, "it computes in mixed precision")
        if found.reason is not None:
            slower = "by lm-eval's own code" if found.lm_head is None else "without shared prefixes"
            logging.getLogger(__name__).warning("unicomp: %s is scored %s: %s.", type(self.model).__name__, slower, found.reason)
        return found

    def _score_pairs(
        self,
        pairs: Sequence[TokenPair],
        disable_tqdm: bool,
        *,
        known: Mapping[int, tuple[float, bool]],
        on_answer: Callable[[int, tuple[float, bool]], None] = lambda index, answer: None,
    ) -> list[tuple[float, bool]]:
        """Return (log-likelihood in nats, greedy or not) per pair (context ids, continuation ids), calling `on_answer` batch by batch.

        Batches are formed from all pairs, and a batch is skipped only if all of its answers are `known`: results of a resumed run are then
        bit-identical to those of an uninterrupted one.
        """
        import torch
        from tqdm import tqdm

        capabilities = self.capabilities
        answers = dict(known)
        progress = tqdm(total=len(pairs), initial=len(known), disable=disable_tqdm or self.rank != 0, desc="Running loglikelihood requests")

        def on_score(index: int, score: Score) -> None:
            if index not in answers:
                answers[index] = (score.log_likelihood, score.greedy)
                on_answer(index, answers[index])
                progress.update(1)

        for index, (_, continuation) in enumerate(pairs):
            if not continuation:
                on_score(index, Score(0.0, True))
        if capabilities.lm_head is None:
            self._score_with_lm_eval(pairs, frozenset(known), on_score)
        else:
            requests = [self._scoring_request(*pair) for pair in pairs]
            limit = capabilities.shared_prefix_limit
            # Beyond the limit a layer no longer attends to the whole prefix: such sequences are scored without sharing.
            fits = [limit is None or len(request.tokens) <= limit for request in requests]
            with torch.inference_mode(), capabilities.attention_enabled(self.model):
                for share in (True, False):
                    indices = [index for index, request in enumerate(requests) if request.targets and fits[index] is share]
                    score(
                        self.model,
                        capabilities.lm_head,
                        requests,
                        indices,
                        on_score,
                        known=frozenset(known),
                        share_prefixes=share,
                        attention=capabilities.attention,
                    )
        progress.close()
        return [answers[index] for index in range(len(pairs))]

    def _score_with_lm_eval(self, pairs: Sequence[TokenPair], known: frozenset[int], on_score: Callable[[int, Score], None]) -> None:
        """Score the pairs that have a continuation with lm-eval's own code, chunk by chunk."""
        with_continuation = [index for index, pair in enumerate(pairs) if pair[1]]
        for indices in chunks_by_length(with_continuation, lambda index: sum(map(len, pairs[index]))):
            if not known.issuperset(indices):
                answers = self._loglikelihood_tokens([(None, *pairs[index]) for index in indices], disable_tqdm=True)
                for index, (log_likelihood, greedy) in zip(indices, answers, strict=True):
                    on_score(index, Score(log_likelihood, greedy))

    def _scoring_request(self, context: list[int], continuation: list[int]) -> ScoringRequest:
        if len(continuation) > self.max_length:
            raise ValueError(f"unicomp: a continuation of {len(continuation)} tokens; expected at most the model's {self.max_length}.")
        return ScoringRequest(tuple((context + continuation)[-(self.max_length + 1) :][:-1]), tuple(continuation))

    def _logged(self, kind: str, arguments: Any) -> Any:
        return None if self.resume_log is None else self.resume_log.get(kind, arguments)

    def _log(self, kind: str, arguments: Any, answer: Any) -> None:
        if self.resume_log is not None:
            self.resume_log.put(kind, arguments, answer)

    def _encode_prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids that HFLM's `tok_batch_encode` gives each prompt; an empty prompt becomes the prefix token (BOS or EOS)."""
        from lm_eval.models.utils import has_bos_prefix

        with_bos = [bool(has_bos_prefix(text, getattr(self.tokenizer, "bos_token", None))) for text in texts]
        encoded: dict[int, list[int]] = {}
        for bos in {*with_bos}:
            indices = [index for index, own in enumerate(with_bos) if own is bos]
            add = False if bos else self.add_bos_token
            special = {} if add is None else {"add_special_tokens": add}
            encoded |= zip(indices, self.tokenizer([texts[index] for index in indices], **special)["input_ids"], strict=True)
        return [list(encoded[index]) or [self.prefix_token_id] for index in range(len(texts))]

    def _end_tokens(self) -> frozenset[int]:
        configured = self.model.generation_config.eos_token_id
        listed = configured if isinstance(configured, list) else [configured]
        return frozenset(int(end) for end in (*listed, self.eot_token_id) if end is not None)

    def _stop_finder(self, stops: list[str], answer_of: Callable[[str], str]) -> Callable[[list[int]], bool] | None:
        """Return a function that returns True if the answer in the text of some token ids contains a stop string, or None if there are none."""
        if not stops:
            return None
        # As in lm-eval's own criterion: the tokens of the longest stop string, and two more.
        tail = max(len(self.tokenizer.encode(stop, add_special_tokens=False)) for stop in stops) + 2

        def stop_found(ids: list[int]) -> bool:
            ending = self.tok_decode(ids[-tail:], skip_special_tokens=False)
            if not any(stop in ending for stop in stops):
                return False
            whole = answer_of(self.tok_decode(ids, skip_special_tokens=False))
            return any(stop in whole for stop in stops)

        return stop_found


def chunks_by_length(indices: Iterable[int], length: Callable[[int], int]) -> list[list[int]]:
    """Divide indices into chunks of at most REQUESTS_PER_CALL with similar lengths, the longest first."""
    ordered = sorted(indices, key=length, reverse=True)
    return [ordered[start : start + REQUESTS_PER_CALL] for start in range(0, len(ordered), REQUESTS_PER_CALL)]
