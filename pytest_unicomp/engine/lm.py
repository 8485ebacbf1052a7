"""The engine as an `lm_eval.api.model.LM`: lm-eval's HFLM with a prefix cache, continuous batching, and a resume log that survives a kill.

lm-eval takes seconds to import: this module is imported only when a model is loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from lm_eval import utils
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs, postprocess_generated_text

from pytest_unicomp.engine.batched_requests import BatchedRequests, chunks_by_length
from pytest_unicomp.engine.encode_pairs import encode_pairs
from pytest_unicomp.engine.generate import StopConditions, generate
from pytest_unicomp.engine.resume_log import ordinals
from pytest_unicomp.engine.sampling import Sampler, build_sampler

# Generation settings of a request that our own generation implements; with any other (beams, penalties, top_p), transformers generates.
SUPPORTED_SETTINGS = {"until", "max_gen_toks", "max_new_tokens", "do_sample", "temperature"}
SEED = 1234

OnText = Callable[[int, str], None]


class UnicompLM(BatchedRequests, HFLM):  # type: ignore[misc]  # lm-eval has no types
    """Answers every request as HFLM does, faster."""

    def __init__(self, pretrained: Any, tokenizer: Any, *, batch_size: int = 64, **settings: Any) -> None:
        """Wrap a loaded causal model; `settings` are HFLM's."""
        super().__init__(pretrained=pretrained, tokenizer=tokenizer, batch_size=batch_size, backend="causal", **settings)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Return (log-probability of the continuation in nats, True if greedy decoding gives it) per request, as HFLM does.

        An empty continuation, which HFLM refuses, has log-probability 0 and is greedy.
        """
        if self.enable_thinking:
            upstream: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm)
            return upstream
        texts = [request.args for request in requests]
        logged = {index: self._logged("loglikelihood", text) for index, text in enumerate(texts)}
        known = {index: (float(answer[0]), bool(answer[1])) for index, answer in logged.items() if answer is not None}

        def on_answer(index: int, answer: tuple[float, bool]) -> None:
            if index not in known:
                self.cache_hook.add_partial("loglikelihood", texts[index], answer)
                self._log("loglikelihood", texts[index], answer)

        return self._score_pairs(encode_pairs(self, texts), disable_tqdm, known=known, on_answer=on_answer)

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Return the log-probability of each whole text in nats, over disjoint windows of the model's context; the first follows the prefix token."""
        if self.world_size > 1:
            upstream: list[float] = super().loglikelihood_rolling(requests, disable_tqdm)
            return upstream
        texts = [request.args for request in requests]
        logged = {index: self._logged("loglikelihood_rolling", text) for index, text in enumerate(texts)}
        windows: list[tuple[list[int], list[int]]] = []
        text_of_window: list[int] = []
        for index, (text,) in enumerate(texts):
            tokens, context = self.tok_encode(text), self.max_length
            rolling = utils.get_rolling_token_windows(tokens, prefix_token=self.prefix_token_id, max_seq_len=context, context_len=1)
            disjoint = [utils.make_disjoint_window(window) for window in rolling]
            windows += disjoint
            text_of_window += [index] * len(disjoint)
        remaining, sums = Counter(text_of_window), dict.fromkeys(text_of_window, 0.0)

        def on_answer(number: int, answer: tuple[float, bool]) -> None:
            index = text_of_window[number]
            sums[index] += answer[0]
            remaining[index] -= 1
            if not remaining[index]:
                self.cache_hook.add_partial("loglikelihood_rolling", texts[index], sums[index])
                self._log("loglikelihood_rolling", texts[index], sums[index])

        known = {number: (0.0, True) for number, index in enumerate(text_of_window) if logged[index] is not None}
        self._score_pairs(windows, disable_tqdm, known=known, on_answer=on_answer)
        return [sums.get(index, 0.0) if total is None else float(total) for index, total in logged.items()]

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        if self.capabilities.lm_head is None:
            upstream: list[tuple[float, bool]] = super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
            return upstream
        return self._score_pairs([(context, continuation) for _, context, continuation in requests], disable_tqdm, known={})

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Return one text per request, cut at the first stop string exactly as HFLM cuts it."""
        groups: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault(repr(sorted(request.args[1].items())), []).append(index)
        texts: dict[int, str] = {}
        for indices in groups.values():
            texts |= zip(indices, self._generate_group([requests[index] for index in indices], disable_tqdm), strict=True)
        return [texts[index] for index in range(len(requests))]

    def _generate_group(self, requests: list[Any], disable_tqdm: bool) -> list[str]:
        """Generate for requests with equal settings. If they are sampled, equal prompts get different random numbers."""
        given = dict(requests[0].args[1])
        seed = given.pop("seed", None)
        settings = normalize_gen_kwargs(given, self.max_gen_toks)
        sampled = settings.get("do_sample") is True
        temperature = float(settings.get("temperature") or 1.0) if sampled else 0.0
        numbers = ordinals(request.args[0] for request in requests) if sampled else [0] * len(requests)
        keys = [(*request.args, number) if number else request.args for request, number in zip(requests, numbers, strict=True)]
        logged = {index: self._logged("generate_until", key) for index, key in enumerate(keys)}
        texts = {index: str(text) for index, text in logged.items() if text is not None}

        def on_text(index: int, text: str) -> None:
            if index not in texts:
                texts[index] = text
                self._log("generate_until", keys[index], text)

        sampler = build_sampler(self.model.generation_config, temperature, SEED if seed is None else int(seed))
        supported = set(given) <= SUPPORTED_SETTINGS and self.think_end_token is None
        if sampler is None or not supported or not self.capabilities.batched_generation:
            self._generate_with_lm_eval([(request.args[0], given) for request in requests], seed, frozenset(texts), on_text, disable_tqdm)
        else:
            waiting = [(index, request, numbers[index]) for index, request in enumerate(requests) if index not in texts]
            self._generate_batched(waiting, settings, sampler, on_text)
        return [texts[index] for index in range(len(requests))]

    def _generate_with_lm_eval(
        self, arguments: list[tuple[str, dict[str, Any]]], seed: Any, known: frozenset[int], on_text: OnText, disable_tqdm: bool
    ) -> None:
        """Generate as HFLM does, chunk by chunk. A chunk is skipped only if all of it is known, so that resumed runs give the same texts."""
        import torch

        for number, indices in enumerate(chunks_by_length(range(len(arguments)), lambda index: len(arguments[index][0]))):
            if known.issuperset(indices):
                continue
            chunk = [Instance("generate_until", {}, arguments[index], index) for index in indices]
            devices = [self.model.device] if self.model.device.type == "cuda" else []
            with torch.random.fork_rng(devices, enabled=seed is not None):
                if seed is not None:
                    # `generate` of transformers has no seed argument.
                    torch.manual_seed(int(seed) + number)
                for index, text in zip(indices, super().generate_until(chunk, disable_tqdm), strict=True):
                    on_text(index, text)

    def _generate_batched(self, waiting: list[tuple[int, Any, int]], settings: Any, sampler: Sampler, on_text: OnText) -> None:
        """Generate with our own batched decoding for (index, request, number of equal requests before it)."""
        limit = settings["max_gen_toks"]
        eos = self.tok_decode(self.eot_token_id, skip_special_tokens=False)
        stops = handle_stop_sequences(settings.get("until"), eos=eos)
        assert self.max_length > limit, f"max_gen_toks {limit} must be less than the model's context of {self.max_length} tokens"
        encoded = self._encode_prompts([request.args[0] for _, request, _ in waiting])
        prompts = [prompt[-(self.max_length - limit) :] for prompt in encoded]

        def on_ids(number: int, ids: list[int]) -> None:
            index, request, _ = waiting[number]
            text = postprocess_generated_text(self.tok_decode(ids), stop=stops, think_end_token=None)
            self.cache_hook.add_partial("generate_until", request.args, text)
            on_text(index, text)

        stop = StopConditions(self._end_tokens(), limit, self._stop_finder([stop for stop in stops if stop and stop != eos]))
        numbers = [number for _, _, number in waiting]
        generate(self.model, prompts, stop, capabilities=self.capabilities, sampler=sampler, ordinals=numbers, on_text=on_ids)
