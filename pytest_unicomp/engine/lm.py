"""The engine as an `lm_eval.api.model.LM`: lm-eval's own HFLM, which reads what requests share once, never waits for the longest, and outlives a kill.

It stands on a class of lm-eval, which takes seconds to import: this module is imported where a model is loaded, and no earlier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from lm_eval import utils
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs, postprocess_generated_text

from pytest_unicomp.engine.batched_requests import Answering, parts
from pytest_unicomp.engine.encode_pairs import pairs
from pytest_unicomp.engine.generate import Stopping, generate
from pytest_unicomp.engine.resume_log import numbered
from pytest_unicomp.engine.sampling import Choosing, choosing

# What a request may ask of our generation; anything else (beams, penalties, top_p) is left to transformers' own.
UNDERSTOOD = {"until", "max_gen_toks", "max_new_tokens", "do_sample", "temperature"}
SEED = 1234


class UnicompLM(Answering, HFLM):  # type: ignore[misc]  # lm-eval says no types
    """As upstream, request by request."""

    def __init__(self, pretrained: Any, tokenizer: Any, *, batch_size: int = 64, **settings: Any) -> None:
        """Wrap a loaded model; `settings` are HFLM's."""
        super().__init__(pretrained=pretrained, tokenizer=tokenizer, batch_size=batch_size, backend="causal", **settings)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Return (log-probability of the continuation in nats, whether greedy decoding would give it) per request, as HFLM does.

        An empty continuation, which HFLM refuses, has log-probability 0 and is greedy.
        """
        if self.enable_thinking:
            refused: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm)
            return refused
        texts = [request.args for request in requests]
        kept = {place: self._kept("loglikelihood", text) for place, text in enumerate(texts)}
        known = {place: (float(answer[0]), bool(answer[1])) for place, answer in kept.items() if answer is not None}

        def done(place: int, answer: tuple[float, bool]) -> None:
            if place not in known:
                self.cache_hook.add_partial("loglikelihood", texts[place], answer)
                self._keep("loglikelihood", texts[place], answer)

        return self._answered(pairs(self, texts), disable_tqdm, known=known, done=done)

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Return the log-probability of each whole text in nats: disjoint windows of the model's context, the first behind its prefix token."""
        if self.world_size > 1:
            plain: list[float] = super().loglikelihood_rolling(requests, disable_tqdm)
            return plain
        texts = [request.args for request in requests]
        totals = {place: self._kept("loglikelihood_rolling", text) for place, text in enumerate(texts)}
        windows: list[tuple[list[int], list[int]]] = []
        owners: list[int] = []
        for place, (text,) in enumerate(texts):
            tokens, most = self.tok_encode(text), self.max_length
            rolled = utils.get_rolling_token_windows(tokens, prefix_token=self.prefix_token_id, max_seq_len=most, context_len=1)
            made = [utils.make_disjoint_window(window) for window in rolled]
            windows += made
            owners += [place] * len(made)
        waiting, sums = Counter(owners), dict.fromkeys(owners, 0.0)

        def done(number: int, answer: tuple[float, bool]) -> None:
            place = owners[number]
            sums[place] += answer[0]
            waiting[place] -= 1
            if not waiting[place]:
                self.cache_hook.add_partial("loglikelihood_rolling", texts[place], sums[place])
                self._keep("loglikelihood_rolling", texts[place], sums[place])

        known = {number: (0.0, True) for number, place in enumerate(owners) if totals[place] is not None}
        self._answered(windows, disable_tqdm, known=known, done=done)
        return [sums.get(place, 0.0) if total is None else float(total) for place, total in totals.items()]

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        if self.support.head is None:
            plain: list[tuple[float, bool]] = super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
            return plain
        return self._answered([(context, continuation) for _, context, continuation in requests], disable_tqdm, known={})

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Return one text per request, cut at the first stop string exactly as HFLM cuts it."""
        groups: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            groups.setdefault(repr(sorted(request.args[1].items())), []).append(place)
        answers: dict[int, str] = {}
        for places in groups.values():
            answers |= zip(places, self._alike([requests[place] for place in places], disable_tqdm), strict=True)
        return [answers[place] for place in range(len(requests))]

    def _alike(self, requests: list[Any], disable_tqdm: bool) -> list[str]:
        """Answer requests that differ in their prompts alone; of equal ones that are sampled, each has its own answer."""
        given = dict(requests[0].args[1])
        seed = given.pop("seed", None)
        settings = normalize_gen_kwargs(given, self.max_gen_toks)
        sampled = settings.get("do_sample") is True
        temperature = float(settings.get("temperature") or 1.0) if sampled else 0.0
        numbers = numbered(request.args[0] for request in requests) if sampled else [0] * len(requests)
        asked = [(*request.args, number) if number else request.args for request, number in zip(requests, numbers, strict=True)]
        kept = {place: self._kept("generate_until", one) for place, one in enumerate(asked)}
        texts = {place: str(text) for place, text in kept.items() if text is not None}

        def done(place: int, text: str) -> None:
            if place not in texts:
                texts[place] = text
                self._keep("generate_until", asked[place], text)

        how = choosing(self.model.generation_config, temperature, SEED if seed is None else int(seed))
        if how is None or not set(given) <= UNDERSTOOD or self.think_end_token is not None or not self.support.written:
            self._plain([(request.args[0], given) for request in requests], seed, frozenset(texts), done, disable_tqdm)
        else:
            waiting = [(place, request, numbers[place]) for place, request in enumerate(requests) if place not in texts]
            self._generate(waiting, settings, how, done)
        return [texts[place] for place in range(len(requests))]

    def _plain(
        self,
        asked: list[tuple[str, dict[str, Any]]],
        seed: Any,
        known: frozenset[int],
        done: Callable[[int, str], None],
        disable_tqdm: bool,
    ) -> None:
        """Generate as HFLM does, part by part; a part is left out only where all of it is known, so that what comes after a kill stays the same."""
        import torch

        for number, places in enumerate(parts(range(len(asked)), lambda place: len(asked[place][0]))):
            if known.issuperset(places):
                continue
            part = [Instance("generate_until", {}, asked[place], place) for place in places]
            devices = [self.model.device] if self.model.device.type == "cuda" else []
            with torch.random.fork_rng(devices, enabled=seed is not None):
                if seed is not None:
                    # transformers' own generation takes no seed.
                    torch.manual_seed(int(seed) + number)
                for place, text in zip(places, super().generate_until(part, disable_tqdm), strict=True):
                    done(place, text)

    def _generate(self, asked: list[tuple[int, Any, int]], settings: Any, how: Choosing, done: Callable[[int, str], None]) -> None:
        """Generate for (place, request, how many equal ones came before)."""
        limit = settings["max_gen_toks"]
        eos = self.tok_decode(self.eot_token_id, skip_special_tokens=False)
        stops = handle_stop_sequences(settings.get("until"), eos=eos)
        assert self.max_length > limit, f"max_gen_toks {limit} must be less than the model's context of {self.max_length} tokens"
        prompts = [prompt[-(self.max_length - limit) :] for prompt in self._prompts([request.args[0] for _, request, _ in asked])]

        def written(number: int, made: list[int]) -> None:
            place, request, _ = asked[number]
            text = postprocess_generated_text(self.tok_decode(made), stop=stops, think_end_token=None)
            self.cache_hook.add_partial("generate_until", request.args, text)
            done(place, text)

        stopping = Stopping(self._ends(), limit, self._stop_finder([stop for stop in stops if stop and stop != eos]))
        ordinals = [ordinal for _, _, ordinal in asked]
        generate(self.model, prompts, stopping, how=self.support, choosing=how, ordinals=ordinals, done=written)


def make(model: Any, tokenizer: Any, batch_size: int = 64) -> UnicompLM:
    """Return a UnicompLM around a loaded causal model and its tokenizer, for `lm_eval.simple_evaluate(model=...)` and for our own runs."""
    return UnicompLM(model, tokenizer, batch_size=batch_size)
