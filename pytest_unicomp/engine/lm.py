"""The engine as an `lm_eval.api.model.LM`: lm-eval's own HFLM, which reads what requests share once, never waits for the longest, and outlives a kill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from pytest_unicomp.engine.answering import Answering
from pytest_unicomp.engine.generation import Stopping, generate
from pytest_unicomp.engine.pairs import pairs

# What a request may ask of our generation; anything else (beams, penalties, top_p) is left to transformers' own.
UNDERSTOOD = {"until", "max_gen_toks", "max_new_tokens", "do_sample", "temperature", "seed"}
SEED = 1234


def make(model: Any, tokenizer: Any, batch_size: int = 64) -> Any:
    """Return a UnicompLM around a loaded causal model and its tokenizer, for `lm_eval.simple_evaluate(model=...)` and for our own runs."""
    return unicomp_lm()(model, tokenizer, batch_size=batch_size)


@cache
def unicomp_lm() -> type:
    """Return the class; made when first asked for, since lm-eval takes seconds to import."""
    from lm_eval import utils
    from lm_eval.models.huggingface import HFLM
    from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs, postprocess_generated_text

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
            if self.world_size > 1 or self.support.head is None:
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
                chosen = [requests[place] for place in places]
                plain = not set(chosen[0].args[1]) <= UNDERSTOOD or self.think_end_token is not None or not _cached(self.model)
                texts = super().generate_until(chosen, disable_tqdm) if plain else self._generate(chosen)
                answers |= dict(zip(places, texts, strict=True))
            return [answers[place] for place in range(len(requests))]

        def _generate(self, requests: list[Any]) -> list[str]:
            given = dict(requests[0].args[1])
            seed = int(given.pop("seed", SEED))
            settings = normalize_gen_kwargs(given, self.max_gen_toks)
            limit = settings["max_gen_toks"]
            eos = self.tok_decode(self.eot_token_id, skip_special_tokens=False)
            stops = handle_stop_sequences(settings.get("until"), eos=eos)
            assert self.max_length > limit, f"max_gen_toks {limit} must be less than the model's context of {self.max_length} tokens"
            texts: dict[int, str] = {}
            waiting: list[int] = []
            for place, request in enumerate(requests):
                kept = self._kept("generate_until", request.args)
                if kept is None:
                    waiting.append(place)
                else:
                    texts[place] = kept
            prompts = [prompt[-(self.max_length - limit) :] for prompt in self._prompts([requests[place].args[0] for place in waiting])]

            def done(number: int, made: list[int]) -> None:
                text = postprocess_generated_text(self.tok_decode(made), stop=stops, think_end_token=None)
                place = waiting[number]
                texts[place] = text
                self.cache_hook.add_partial("generate_until", requests[place].args, text)
                self._keep("generate_until", requests[place].args, text)

            sampled = settings.get("do_sample") is True
            temperature = float(settings.get("temperature") or 1.0) if sampled else 0.0
            stopping = Stopping(self._ends(), limit, self._stop_finder([stop for stop in stops if stop and stop != eos]))
            generate(self.model, prompts, stopping, how=self.support, temperature=temperature, seed=seed, done=done)
            return [texts[place] for place in range(len(requests))]

    return UnicompLM


def _cached(model: Any) -> bool:
    """Say whether a model keeps keys and values of each layer, so that rows can leave and beginnings be shared."""
    return not getattr(model, "_is_stateful", False) and not getattr(model.config, "is_encoder_decoder", False)
