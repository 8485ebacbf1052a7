"""The engine as an `lm_eval.api.model.LM`: lm-eval's own HFLM, which reads what requests share once, never waits for the longest, and outlives a kill."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

from pytest_unicomp.engine.generation import Stopping, generate
from pytest_unicomp.engine.journal import Journal
from pytest_unicomp.engine.pairs import pairs
from pytest_unicomp.engine.scoring import Answer, Asked, score
from pytest_unicomp.engine.support import Support, support

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
    from lm_eval.models.utils import handle_stop_sequences, has_bos_prefix, normalize_gen_kwargs, postprocess_generated_text

    class UnicompLM(HFLM):  # type: ignore[misc]
        """As upstream, request by request; `journal`, where there is one, keeps every answer the moment it is known."""

        journal: Journal | None = None

        def __init__(self, pretrained: Any, tokenizer: Any, *, batch_size: int = 64, **settings: Any) -> None:
            """Wrap a loaded model; `settings` are HFLM's."""
            super().__init__(pretrained=pretrained, tokenizer=tokenizer, batch_size=batch_size, backend="causal", **settings)

        @cached_property
        def support(self) -> Support:
            """How this model is read; found out by trying when the first log-likelihood is asked for, and said where something is missing."""
            found = support(self.model) if self.mixed_precision_dtype is None else Support(None, 0, "it computes in mixed precision")
            if found.reason is not None:
                plain = "by lm-eval's own code" if found.head is None else "each request from its beginning"
                logging.getLogger(__name__).warning("unicomp: %s is read %s: %s.", type(self.model).__name__, plain, found.reason)
            return found

        def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
            """Return (log-probability of the continuation in nats, whether greedy decoding would give it) per request, as HFLM does.

            An empty continuation, which HFLM refuses, has log-probability 0 and is greedy.
            """
            if self.enable_thinking:
                refused: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm)
                return refused
            kept = {place: self.journal.get("loglikelihood", request.args) for place, request in enumerate(requests)} if self.journal else {}
            waiting = [place for place in range(len(requests)) if kept.get(place) is None]
            texts = [requests[place].args for place in waiting]
            ready = [(text, *ids) for text, ids in zip(texts, pairs(self, texts), strict=True)]
            scored = dict(zip(waiting, self._loglikelihood_tokens(ready, disable_tqdm=disable_tqdm), strict=True))
            return [scored[place] if place in scored else (float(kept[place][0]), bool(kept[place][1])) for place in range(len(requests))]

        def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
            """Return the log-probability of each whole text in nats: disjoint windows of the model's context, the first behind its prefix token."""
            if self.world_size > 1 or self.support.head is None:
                plain: list[float] = super().loglikelihood_rolling(requests, disable_tqdm)
                return plain
            windows, owners = [], []
            for place, request in enumerate(requests):
                rolled = utils.get_rolling_token_windows(
                    token_list=self.tok_encode(request.args[0]), prefix_token=self.prefix_token_id, max_seq_len=self.max_length, context_len=1
                )
                made = [(None, *utils.make_disjoint_window(window)) for window in rolled]
                windows += made
                owners += [place] * len(made)
            totals = [0.0] * len(requests)
            for place, (value, _) in zip(owners, self._loglikelihood_tokens(windows, disable_tqdm=disable_tqdm), strict=True):
                totals[place] += value
            for request, total in zip(requests, totals, strict=True):
                self.cache_hook.add_partial("loglikelihood_rolling", request.args, total)
            return totals

        def _loglikelihood_tokens(
            self, requests: Sequence[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False, override_bs: int | None = None
        ) -> list[tuple[float, bool]]:
            import torch
            from tqdm import tqdm

            how = self.support
            if how.head is None:
                plain: list[tuple[float, bool]] = super()._loglikelihood_tokens(requests, disable_tqdm, override_bs)
                for (text, _, _), answer in zip(requests, plain, strict=True):
                    self._keep(text, answer)
                return plain
            answers: dict[int, tuple[float, bool]] = {}
            progress = tqdm(total=len(requests), disable=disable_tqdm or self.rank != 0, desc="Running loglikelihood requests")

            def done(place: int, answer: Answer) -> None:
                answers[place] = (answer.log_likelihood, answer.greedy)
                self._keep(requests[place][0], answers[place])
                progress.update(1)

            asked = [self._asked(context, continuation) for _, context, continuation in requests]
            for share in (True, False):
                # Beyond a sliding window a layer no longer sees a shared beginning whole: such sequences are read each on its own.
                places = [place for place, one in enumerate(asked) if one.targets and share is (how.window is None or len(one.tokens) <= how.window)]
                with torch.inference_mode(), how.reading(self.model):
                    chosen = [asked[place] for place in places]
                    score(self.model, how.head, chosen, lambda number, answer: done(places[number], answer), share=share)  # noqa: B023
            for place, one in enumerate(asked):
                if not one.targets:
                    done(place, Answer(0.0, True))
            progress.close()
            return [answers[place] for place in range(len(requests))]

        def _asked(self, context: list[int], continuation: list[int]) -> Asked:
            if len(continuation) > self.max_length:
                raise ValueError(f"unicomp: a continuation of {len(continuation)} tokens; expected at most the model's {self.max_length}.")
            return Asked(tuple((context + continuation)[-(self.max_length + 1) :][:-1]), tuple(continuation))

        def _keep(self, text: Any, answer: tuple[float, bool]) -> None:
            if text is None:  # a window of a longer text
                return
            self.cache_hook.add_partial("loglikelihood", text, answer)
            if self.journal is not None:
                self.journal.put("loglikelihood", text, list(answer))

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
                kept = self.journal.get("generate_until", request.args) if self.journal is not None else None
                if kept is None:
                    waiting.append(place)
                else:
                    texts[place] = kept
            prompts = [self._prompt(requests[place].args[0])[-(self.max_length - limit) :] for place in waiting]

            def done(number: int, made: list[int]) -> None:
                text = postprocess_generated_text(self.tok_decode(made), stop=stops, think_end_token=None)
                place = waiting[number]
                texts[place] = text
                self.cache_hook.add_partial("generate_until", requests[place].args, text)
                if self.journal is not None:
                    self.journal.put("generate_until", requests[place].args, text)

            sampled = settings.get("do_sample") is True
            temperature = float(settings.get("temperature") or 1.0) if sampled else 0.0
            stopping = Stopping(self._ends(), limit, self._stop_finder([stop for stop in stops if stop and stop != eos]))
            with self.support.reading(self.model):
                generate(self.model, prompts, stopping, temperature=temperature, seed=seed, done=done)
            return [texts[place] for place in range(len(requests))]

        def _prompt(self, text: str) -> list[int]:
            """Return the token ids that HFLM's `tok_batch_encode` gives a context."""
            special: dict[str, bool] = {}
            if has_bos_prefix(text, getattr(self.tokenizer, "bos_token", None)):
                special = {"add_special_tokens": False}
            elif self.add_bos_token is not None:
                special = {"add_special_tokens": self.add_bos_token}
            found = list(self.tokenizer(text, **special)["input_ids"])
            # An empty prompt has nothing to go on from but the token that starts a text.
            return found or [self.prefix_token_id]

        def _ends(self) -> frozenset[int]:
            configured = self.model.generation_config.eos_token_id
            listed = configured if isinstance(configured, list) else [configured]
            return frozenset(int(end) for end in (*listed, self.eot_token_id) if end is not None)

        def _stop_finder(self, stops: list[str]) -> Any:
            if not stops:
                return None
            # As many tokens as the longest stop string can have, and two more, as in lm-eval's own criterion.
            tail = max(len(self.tokenizer.encode(stop, add_special_tokens=False)) for stop in stops) + 2

            def found(made: list[int]) -> bool:
                ending = self.tok_decode(made[-tail:])
                if not any(stop in ending for stop in stops):
                    return False
                whole = self.tok_decode(made)
                return any(stop in whole for stop in stops)

            return found

    return UnicompLM


def _cached(model: Any) -> bool:
    """Say whether a model keeps keys and values of each layer, so that rows can leave and beginnings be shared."""
    return not getattr(model, "_is_stateful", False) and not getattr(model.config, "is_encoder_decoder", False)
