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

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.batched_requests import BatchedRequests, chunks_by_length
from pytest_unicomp.engine.encode_pairs import encode_pairs
from pytest_unicomp.engine.generate import StopConditions, generate
from pytest_unicomp.engine.loops import looping
from pytest_unicomp.engine.reply_log import Generated, ReplyLog
from pytest_unicomp.engine.reply_settings import PASS, ReplySettings
from pytest_unicomp.engine.resume_log import ordinals
from pytest_unicomp.engine.sampling import Sampler, build_sampler
from pytest_unicomp.engine.thoughts import Spoken

# Generation settings of a request that our own generation implements; with any other (beams, penalties), transformers generates.
SUPPORTED_SETTINGS = {"until", "max_gen_toks", "max_new_tokens", "do_sample", "temperature", "top_p", "top_k"}
SEED = 1234

OnReply = Callable[[int, Generated], None]


class UnicompLM(BatchedRequests, HFLM):  # type: ignore[misc]  # lm-eval has no types
    """Answers every request as HFLM does, faster. `reply_log`, if there is one, notes every reply."""

    reply_settings = ReplySettings()
    reply_log: ReplyLog | None = None

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
        """Return one text per request, without thoughts, cut at the first stop string exactly as HFLM cuts it."""
        settings = self.reply_settings
        asked = [
            Instance("generate_until", {}, (request.args[0], settings.applied(request.args[1])), index)
            for index, request in enumerate(requests)
        ]
        groups: dict[str, list[int]] = {}
        for index, request in enumerate(asked):
            groups.setdefault(repr(sorted(request.args[1].items())), []).append(index)
        found: dict[int, Generated] = {}
        for indices in groups.values():
            found |= zip(indices, self._generate_group([asked[index] for index in indices], disable_tqdm), strict=True)
        replies = [found[index] for index in range(len(requests))]
        if self.reply_log is not None:
            for request, reply in zip(requests, replies, strict=True):
                self.reply_log.add(request.args[0], reply)
        return [reply.answer for reply in replies]

    def _generate_group(self, requests: list[Any], disable_tqdm: bool) -> list[Generated]:
        """Generate for requests with equal settings. If they are sampled, equal prompts get different random numbers."""
        given = dict(requests[0].args[1])
        seed = given.pop("seed", None)
        settings = normalize_gen_kwargs(given, self.max_gen_toks)
        sampled = settings.get("do_sample") is True
        temperature = float(settings.get("temperature") or 1.0) if sampled else 0.0
        first = PASS * self.reply_settings.number
        numbers = [first + number for number in ordinals(request.args[0] for request in requests)] if sampled else [0] * len(requests)
        keys = [(*request.args, number) if number else request.args for request, number in zip(requests, numbers, strict=True)]
        logged = {index: self._logged("generate_until", key) for index, key in enumerate(keys)}
        replies = {index: Generated(**reply) for index, reply in logged.items() if reply is not None}

        def on_reply(index: int, reply: Generated) -> None:
            if index not in replies:
                replies[index] = reply
                self._log("generate_until", keys[index], vars(reply))

        limits = {name: given[name] for name in ("top_p", "top_k") if sampled and given.get(name) is not None}
        sampler = build_sampler(self.model.generation_config, temperature, SEED if seed is None else int(seed), **limits)
        supported = set(given) <= SUPPORTED_SETTINGS and self.think_end_token is None
        if sampler is None or not supported or not self.capabilities.batched_generation:
            start = None if seed is None else int(seed) + first
            self._generate_with_lm_eval(
                [(request.args[0], given) for request in requests], start, frozenset(replies), on_reply, disable_tqdm
            )
        else:
            waiting = [(index, request, numbers[index]) for index, request in enumerate(requests) if index not in replies]
            marks = self.reply_settings.marks
            for opened in (False, True):
                some = [one for one in waiting if (marks is not None and marks.opened_by(one[1].args[0])) is opened]
                if some:
                    self._generate_batched(some, settings, sampler, on_reply, opened=opened)
        return [replies[index] for index in range(len(requests))]

    def _generate_with_lm_eval(
        self, arguments: list[tuple[str, dict[str, Any]]], seed: int | None, known: frozenset[int], on_reply: OnReply, disable_tqdm: bool
    ) -> None:
        """Generate as HFLM does, chunk by chunk. A chunk is skipped only if all of it is known, so that resumed runs give the same texts."""
        import torch

        marks = self.reply_settings.marks
        if marks is not None and marks.channels:
            raise InfrastructureError(
                "unicomp: this model answers in channels, which are special tokens, and generation by transformers leaves them out; "
                "serve it, for example with --unicomp-serve='vllm serve {model} --port {port}'."
            )
        for number, indices in enumerate(chunks_by_length(range(len(arguments)), lambda index: len(arguments[index][0]))):
            if known.issuperset(indices):
                continue
            # A stop string may occur in a thought: it is looked for in the answer alone.
            without: dict[str, Any] = {} if marks is None else {"until": []}
            asked = [(prompt, {**given, **without}) for prompt, given in (arguments[index] for index in indices)]
            chunk = [Instance("generate_until", {}, one, index) for one, index in zip(asked, indices, strict=True)]
            devices = [self.model.device] if self.model.device.type == "cuda" else []
            with torch.random.fork_rng(devices, enabled=seed is not None):
                if seed is not None:
                    # `generate` of transformers has no seed argument.
                    torch.manual_seed(seed + number)
                for index, text in zip(indices, super().generate_until(chunk, disable_tqdm), strict=True):
                    prompt, given = arguments[index]
                    spoken = Spoken(text) if marks is None else marks.split(text, opened=marks.opened_by(prompt))
                    stops = [] if marks is None else handle_stop_sequences(given.get("until"), eos=None)
                    answer = postprocess_generated_text(spoken.answer, stop=stops, think_end_token=None)
                    repeats = looping(self.tokenizer.encode(text, add_special_tokens=False))
                    # How many tokens it generated, and why it stopped, HFLM does not say.
                    on_reply(index, Generated(answer, None, None, repeats, spoken.thoughts, spoken.unfinished))

    def _generate_batched(
        self, waiting: list[tuple[int, Any, int]], settings: Any, sampler: Sampler, on_reply: OnReply, *, opened: bool
    ) -> None:
        """Generate with our own batched decoding for (index, request, number of equal requests before it).

        `opened` says that all of the prompts end inside a thought.
        """
        limit = settings["max_gen_toks"]
        eos = self.tok_decode(self.eot_token_id, skip_special_tokens=False)
        stops = handle_stop_sequences(settings.get("until"), eos=eos)
        _require_room(limit, self.max_length)
        encoded = self._encode_prompts([request.args[0] for _, request, _ in waiting])
        prompts = [prompt[-(self.max_length - limit) :] for prompt in encoded]
        ends = self._end_tokens()

        def on_ids(number: int, ids: list[int]) -> None:
            index, request, _ = waiting[number]
            reply = self._reply(ids, stops, ended=ids[-1] in ends, full=len(ids) >= limit, opened=opened)
            self.cache_hook.add_partial("generate_until", request.args, reply.answer)
            on_reply(index, reply)

        def answer_of(text: str) -> str:
            marks = self.reply_settings.marks
            return text if marks is None else marks.split(text, opened=opened).answer

        stop = StopConditions(ends, limit, self._stop_finder([stop for stop in stops if stop and stop != eos], answer_of))
        numbers = [number for _, _, number in waiting]
        generate(self.model, prompts, stop, capabilities=self.capabilities, sampler=sampler, ordinals=numbers, on_text=on_ids)

    def _reply(self, ids: list[int], stops: list[str], *, ended: bool, full: bool, opened: bool) -> Generated:
        """Return the reply of these token ids, of which the last is an end token if `ended`; `full` says that there are as many as the limit allows."""
        said, marks = ids[:-1] if ended else ids, self.reply_settings.marks
        spoken = Spoken(self.tok_decode(ids))
        if marks is not None:
            split = marks.split(self.tok_decode(said, skip_special_tokens=False), opened=opened)
            if split.thoughts is not None or marks.channels:
                thoughts = None if split.thoughts is None else self._without_special_tokens(split.thoughts)
                spoken = Spoken(self._without_special_tokens(split.answer), thoughts, split.unfinished)
        answer = postprocess_generated_text(spoken.answer, stop=stops, think_end_token=None)
        stopped = any(stop in spoken.answer for stop in stops if stop)
        return Generated(answer, len(said), full and not ended and not stopped, looping(said), spoken.thoughts, spoken.unfinished)

    def _without_special_tokens(self, text: str) -> str:
        for token in self.tokenizer.all_special_tokens:
            text = text.replace(token, "")
        return text


def _require_room(limit: int, context: int) -> None:
    """Raise InfrastructureError if replies of up to `limit` tokens leave no room for a prompt in a context of so many tokens."""
    if limit >= context:
        raise InfrastructureError(
            f"unicomp: replies of up to {limit:,} tokens do not fit into the model's context of {context:,} tokens; "
            f"expected --unicomp-max-gen-toks below that, such as --unicomp-max-gen-toks={context // 2}."
        )
